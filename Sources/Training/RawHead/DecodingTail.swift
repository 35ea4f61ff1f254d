import Execution
import GraphIR
import Tensors

/// The part of a network from its raw maps to its outputs, as a network of its own.
///
/// What it does to known logits shows anchors, priors and formulas that no file states, whichever
/// operators it is made of.
struct DecodingTail {
  private let session: Session
  private let maps: [RawHead.Map]

  /// The part of a network behind some values.
  ///
  /// Values of the rest of the network that it reads must be constant at the given input shape, as
  /// extents of feature maps are.
  ///
  /// - Throws: ``RawHeadError`` where it reads others, what sessions throw.
  init(from maps: [RawHead.Map], to outputs: [String], _ site: HeadSite) throws {
    self.maps = maps
    let graph = site.graph.withConstantsAsInitializers()
    let typed = TypedGraph(
      graph, registry: site.registry, inputs: try graph.concreteInputTypes(site.inputShapes))
    var tail = graph
    tail.valueTypes = [:]
    tail.inputs = maps.map { map in
      ValueInfo(name: map.name, type: .tensor(.float32, shape: map.shape.map { .fixed($0) }))
    }
    tail.outputs = outputs.map { ValueInfo(name: $0, type: .undeclared) }
    var known = Set(maps.map(\.name)).union(tail.initializers.keys)
    tail.nodes = graph.nodes.filter { node in
      guard known.isDisjoint(with: node.outputs) else { return false }
      let reads = node.inputs.filter { !$0.isEmpty }
      let follows = reads.contains { known.contains($0) && graph.initializers[$0] == nil }
      guard follows || reads.allSatisfy({ graph.initializers[$0] != nil }) else { return false }
      for name in reads where !known.contains(name) {
        guard let constant = typed.operands[name]?.constant else { return false }
        tail.initializers[name] = Initializer(constant)
        known.insert(name)
      }
      known.formUnion(node.outputs)
      return true
    }
    guard known.isSuperset(of: outputs) else {
      throw RawHeadError.shapes(
        family: site.configuration.family, expected: "outputs that follow from its raw maps",
        found: outputs.filter { !known.contains($0) })
    }
    tail.removeDeadNodes()
    session = try Session(tail, registry: site.registry)
  }

  /// The outputs where all logits are zero, but for some channels of a map, or some last axes.
  ///
  /// - Parameter logits: The value of each map's elements by the index along axis 1 of maps
  ///   `[N, C, H, W]`, or along the last axis of others.
  func outputs(_ logits: (_ map: Int, _ channel: Int) -> Float) throws -> [Tensor] {
    var feed: [String: Tensor] = [:]
    for (index, map) in maps.enumerated() {
      let axis = map.shape.count == 4 ? 1 : map.shape.count - 1
      let inner = map.shape[(axis + 1)...].product
      let outer = map.shape[..<axis].product
      var values = [Float](repeating: 0, count: map.shape.product)
      for channel in 0..<map.shape[axis] {
        let value = logits(index, channel)
        guard value != 0 else { continue }
        for block in 0..<outer {
          let first = (block * map.shape[axis] + channel) * inner
          for place in first..<first + inner { values[place] = value }
        }
      }
      if session.inputs.contains(where: { $0.name == map.name }) {
        feed[map.name] = Tensor(values, shape: map.shape)
      }
    }
    let results = try session.run(feed)
    return session.outputNames.compactMap { results[$0] }
  }
}
