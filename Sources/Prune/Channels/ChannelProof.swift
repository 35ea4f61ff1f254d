import Execution
import GraphIR
import Compression
import Tensors

/// Checks a surgery: the cut graph must compute what the whole graph computes when its readers see
/// zeros in place of the removed channels.
///
/// The whole graph gets a multiplication by a mask of 0 and 1 before every weighted node that reads
/// removed channels. The masks are made from the traced labels alone, so the surgery does not enter
/// them.
public struct ChannelProof: Codable, Sendable, Equatable {
  /// The largest difference of each output, divided by the output's largest absolute value.
  public var errors: [String: Double]
  /// The number of images that both graphs ran on.
  public var images: Int
  /// How much the whole graph's outputs change when its inputs change in the last bit; `nil` for
  /// graphs that quantise nothing as they run.
  ///
  /// Where values are rounded to integers, a difference in the last bit can become a whole step,
  /// and no smaller bound can hold.
  public var roundingNoise: Double?

  /// The largest of all differences.
  public var largestError: Double { errors.values.max() ?? 0 }
  /// Differences up to this count as rounding.
  public static let bound = 1e-4
  /// Whether the surgery is correct.
  public var holds: Bool { largestError <= max(Self.bound, 2 * (roundingNoise ?? 0)) }

  /// The whole graph with removed channels multiplied by zero where they are read.
  ///
  /// - Parameter weights: New values for constants, as the surgery had them.
  static func silenced(
    _ coupling: ChannelCoupling, removing removed: Set<Int>, weights: [String: Tensor] = [:]
  ) throws -> Graph {
    var graph = coupling.graph
    for (name, tensor) in weights {
      try graph.setWeights(name, from: tensor, to: tensor, registry: coupling.registry)
    }
    let links = Connectivity(graph)
    var names = FreshNames(graph)
    var masks: [(node: Int, mask: Node)] = []
    for consumer in coupling.consumers {
      let stays = consumer.groups.map { $0.map { !removed.contains($0) } ?? true }
      guard stays.contains(false) else { continue }
      // Quantised values are masked before they are quantised, where zero is zero.
      let (node, input) = links.beforeQuantization(consumer.node, consumer.input, in: graph)
      let maker = links.producer[graph.nodes[node].inputs[input]].map { graph.nodes[$0] }
      if maker?.qualifiedType == "DynamicQuantizeLinear" { continue }
      let source = graph.nodes[node].inputs[input]
      let name = names.value("silenced/\(node)/\(input)")
      let mask = names.value("\(name)/mask")
      graph[constant: mask] = Tensor(
        stays.map { $0 ? 1 : 0 as Float },
        shape: [stays.count] + [Int](repeating: 1, count: consumer.axisFromEnd - 1))
      graph.nodes[node].inputs[input] = name
      masks.append((node, Node("Mul", inputs: [source, mask], outputs: [name])))
    }
    // Several layers may read one quantised value. Then the second mask reads the output of the
    // first.
    let order = masks.indices.sorted { (masks[$0].node, $0) > (masks[$1].node, $1) }
    for index in order { graph.nodes.insert(masks[index].mask, at: masks[index].node) }
    return graph
  }

  /// Runs both graphs on the same inputs.
  ///
  /// Nothing is fused or folded: that could round otherwise in one of them.
  ///
  /// - Throws: what sessions and `inputs` throw.
  public init(
    _ cut: ChannelCut, inputs: some CalibrationSet, engine: Engine
  ) throws {
    let whole = try engine.session(cut.silenced, isRewritten: false, checksTaps: true)
    let left = try engine.session(cut.graph, isRewritten: false, checksTaps: true)
    errors = [:]
    images = inputs.count
    let quantises = cut.silenced.nodes.contains {
      ["QuantizeLinear", "DynamicQuantizeLinear"].contains($0.qualifiedType)
    }
    if quantises { roundingNoise = 0 }
    for index in 0..<inputs.count {
      let feed = try inputs.feed(index)
      let (expected, found) = (try whole.run(feed), try left.run(feed))
      errors.merge(OutputDifference.byName(expected, found)) { max($0, $1) }
      guard quantises else { continue }
      for step in 1...Self.disturbances {
        let disturbed = try whole.run(feed.mapValues { $0.scaled(by: 1 + Float(step) * .ulpOfOne) })
        let noise = OutputDifference.byName(expected, disturbed).values.max() ?? 0
        roundingNoise = max(roundingNoise ?? 0, noise)
      }
    }
  }

  /// The number of disturbed inputs that measure the noise of rounding.
  private static let disturbances = 4
}

extension Connectivity {
  /// The node that quantises the value which another node reads, and the input it reads; that other
  /// node itself where nothing is quantised.
  fileprivate func beforeQuantization(
    _ node: Int, _ input: Int, in graph: Graph
  ) -> (node: Int, input: Int) {
    func maker(_ node: Int, _ input: Int, _ type: String) -> Int? {
      producer[graph.nodes[node].inputs[input]].flatMap {
        graph.nodes[$0].qualifiedType == type ? $0 : nil
      }
    }
    guard let reals = maker(node, input, "DequantizeLinear"),
      let integers = maker(reals, 0, "QuantizeLinear")
    else { return (node, input) }
    return (integers, 0)
  }
}

extension Tensor {
  /// The float32 elements times a number; other tensors as they are.
  fileprivate func scaled(by factor: Float) -> Tensor {
    elementType == .float32 ? Tensor(floats.map { $0 * factor }, shape: shape) : self
  }
}
