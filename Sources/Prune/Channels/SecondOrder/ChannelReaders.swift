import Compression
import Execution
import GraphIR
import Tensors

/// The layers that read channels of a coupling, with the moments of what they read.
package struct ChannelReaders {
  /// The layers whose weights can be refitted, in the order of the coupling's consumers.
  let all: [LayerReader]
  private let coupling: ChannelCoupling
  private let links: Connectivity
  private let moments: [PatchMoments?]
  private let importance: ResponseImportance?

  /// One layer that reads some groups.
  struct Reader {
    let layer: LayerReader
    let moments: PatchMoments
    /// The elements of its patch that each group holds.
    let places: [Int: [Int]]
    /// The damage of each share of its response that is lost.
    let weight: Double
    var state: ReaderElimination
  }

  /// The ridge in units of the mean variance of a layer's inputs.
  private static let ridge = 1e-3
  /// The share of a layer's groups whose loss tells its weight.
  private static let sample = 0.25

  /// Runs the network on images.
  ///
  /// - Throws: what sessions and `inputs` throw.
  package init(
    _ coupling: ChannelCoupling, settings: ChannelReconstruction.Settings,
    inputs: some CalibrationSet, engine: Engine
  ) throws {
    (self.coupling, importance) = (coupling, settings.importance)
    links = Connectivity(coupling.graph)
    all = coupling.consumers.compactMap { LayerReader(coupling, $0) }
    moments = try Responses(
      all, coupling, settings: settings, inputs: inputs, engine: engine,
      pool: ThreadPool(threads: engine.threads)
    ).moments
  }

  /// A layer before any of its inputs is eliminated; `nil` where it reads none of the groups.
  func reader(_ index: Int, of groups: Set<Int>, weight: Double = 1) -> Reader? {
    let layer = all[index]
    var places: [Int: [Int]] = [:]
    for (channel, group) in layer.layer.groups.enumerated() {
      guard let group, groups.contains(group) else { continue }
      places[group, default: []] += (0..<layer.kernel).map { channel * layer.kernel + $0 }
    }
    guard !places.isEmpty, let moments = moments[index],
      let tensor = coupling.trace.typed.operands[layer.weight]?.constant,
      let state = ReaderElimination(
        moments, weights: layer.reader.matrix(tensor), ridge: Self.ridge,
        importance: importance?[layer.layer.node]?.outputs ?? [])
    else { return nil }
    return Reader(layer: layer, moments: moments, places: places, weight: weight, state: state)
  }

  /// New values of the weights and intercepts of layers.
  func refits(_ readers: [Reader]) -> [String: Tensor] {
    let operands = coupling.trace.typed.operands
    var result: [String: Tensor] = [:]
    for reader in readers where links.consumers[reader.layer.weight]?.count ?? 1 == 1 {
      guard let tensor = operands[reader.layer.weight]?.constant else { continue }
      let weights = reader.state.weights.map { Float($0) }
      let place = InterceptPlace(
        behind: reader.layer.layer.node, reader.layer.rules, of: coupling.graph,
        outputs: reader.layer.outputs, operands: operands, links: links)
      let updated = place?.updated(reader.moments.intercept(weights: weights)) {
        operands[$0]?.constant
      }
      if let updated { result[updated.name] = updated.value }
      result[reader.layer.weight] = reader.layer.reader.tensor(weights, like: tensor)
    }
    return result
  }

  /// The damage of each layer's loss: measured where it alone loses the quarter of its groups that
  /// it can best do without, divided by the share of its response that is lost.
  ///
  /// - Parameter damage: The distance of a variant's outputs from those of the network.
  /// - Throws: what `damage` throws.
  package func weights(
    damage: (Graph) throws -> Double, engine: Engine
  ) throws -> [Double] {
    let altered = try ThreadPool(threads: engine.threads).map(all.count) { sampled($0) }
    // Variants cost least in the order of their first altered nodes.
    let order = all.indices.sorted { (all[$0].layer.node, $0) < (all[$1].layer.node, $1) }
    var weights = [Double](repeating: 0, count: all.count)
    try engine.progress.job("weighing layers", total: all.count, unit: "layers") { done in
      for (step, index) in order.enumerated() {
        if let (values, lost) = altered[index], lost > 0, !values.isEmpty {
          var graph = coupling.graph
          for (name, tensor) in values { graph.setConstant(name, tensor) }
          let value = try damage(graph) / lost
          weights[index] = value.isFinite ? value : 0
        }
        done(step + 1)
      }
    }
    // Layers that cannot be measured count as the mean of those that can.
    let known = weights.filter { $0 > 0 }
    let mean = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
    return weights.map { $0 > 0 ? $0 : mean }
  }

  /// A layer's values without a quarter of its groups, and the share of its response that is lost.
  private func sampled(_ index: Int) -> (values: [String: Tensor], lost: Double)? {
    let groups = Set(all[index].layer.groups.compactMap { $0 })
    guard var reader = reader(index, of: groups) else { return nil }
    let costs = reader.places.mapValues(reader.state.cost)
    let order = costs.keys.sorted { ((costs[$0] ?? 0), $0) < ((costs[$1] ?? 0), $1) }
    let count = max(1, Int(Self.sample * Double(order.count)))
    reader.state.eliminate(order.prefix(count).flatMap { reader.places[$0] ?? [] }.sorted())
    return (refits([reader]), reader.state.lost)
  }
}
