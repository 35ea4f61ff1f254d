import GraphIR
import Tensors

/// The nodes of a graph that have weights, and their position between inputs and outputs.
public struct WeightedLayers: Sendable {
  /// One node and the weights that it reads.
  public struct WeightedLayer: Sendable {
    /// The node's index.
    public var node: Int
    /// The node's rules.
    public var rules: any WeightedOperator
    /// The name of the constant that holds the weights.
    public var weight: String
    /// The input of the node that reads it, and its channel axes.
    public var slot: WeightSlot
    /// The constant.
    public var tensor: Tensor
    /// Whether no other weighted node comes before it.
    public var isFirst: Bool
    /// Whether no other weighted node comes after it.
    public var isLast: Bool
    /// Whether the weight is the constant ramp 0, 1, 2 … that turns a distribution into its mean.
    public var isFixed: Bool
    /// Whether other nodes compute the operand from the constant, for example by dequantising it.
    public var isComputed: Bool
  }

  /// The layers, in the order of the nodes.
  public private(set) var layers: [WeightedLayer] = []

  /// Finds the weighted layers of a graph.
  public init(_ graph: Graph, registry: OperatorRegistry) {
    let constants = graph.constants
    let origins = Self.origins(graph, constants, registry)
    for (index, node) in graph.nodes.enumerated() {
      guard let rules = registry.weighted(node, in: graph) else { continue }
      for slot in rules.weightSlots {
        guard node.inputs.indices.contains(slot.input),
          let origin = origins[node.inputs[slot.input]], let tensor = constants[origin.name],
          tensor.shape.count >= 2
        else { continue }
        layers.append(
          WeightedLayer(
            node: index, rules: rules, weight: origin.name, slot: slot, tensor: tensor,
            isFirst: true, isLast: true, isFixed: tensor.isRamp,
            isComputed: origin.isComputed))
      }
    }
    markEnds(graph)
  }

  /// The constant behind each value that depends on constants alone; the largest where there are
  /// several.
  ///
  /// An exact ``AliasOperator`` passes a constant on as it is. The output of any other node counts
  /// as computed.
  private static func origins(
    _ graph: Graph, _ constants: [String: Tensor], _ registry: OperatorRegistry
  ) -> [String: (name: String, isComputed: Bool)] {
    var origins = Dictionary(
      uniqueKeysWithValues: constants.keys.map { ($0, (name: $0, isComputed: false)) })
    for node in graph.nodes where !node.inputs.isEmpty {
      let inputs = node.inputs.filter { !$0.isEmpty }.map { origins[$0] }
      let known = inputs.compactMap { $0 }
      func size(_ name: String) -> Int { constants[name]?.count ?? 0 }
      guard known.count == inputs.count,
        let largest = known.max(by: { size($0.name) < size($1.name) })
      else { continue }
      let isAlias = registry.aliased(by: node, isExact: true) != nil
      for output in node.outputs where !output.isEmpty {
        origins[output] = (largest.name, isAlias ? largest.isComputed : true)
      }
    }
    return origins
  }

  /// Walks the graph in both directions.
  ///
  /// A fixed layer does not count as a weighted layer before or after others.
  private mutating func markEnds(_ graph: Graph) {
    let learnt = Set(layers.filter { !$0.isFixed }.map(\.node))
    var seen: Set<String> = []
    var hasBefore: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() {
      let reads = node.inputs.contains(where: seen.contains)
      if reads { hasBefore.insert(index) }
      if reads || learnt.contains(index) { seen.formUnion(node.outputs) }
    }
    var needed: Set<String> = []
    var hasAfter: Set<Int> = []
    for (index, node) in graph.nodes.enumerated().reversed() {
      let feeds = node.outputs.contains(where: needed.contains)
      if feeds { hasAfter.insert(index) }
      if feeds || learnt.contains(index) { needed.formUnion(node.inputs) }
    }
    for index in layers.indices {
      layers[index].isFirst = !hasBefore.contains(layers[index].node)
      layers[index].isLast = !hasAfter.contains(layers[index].node)
    }
  }
}
