import Execution
import GraphIR
import Reports
import Tensors

/// The number formats in which a model's layers compute and its constants are stored.
struct BitWidths {
  /// Multiply–accumulates by the width of their factors.
  private(set) var macs: [EnergyEstimate.Width: Int] = [:]
  /// Bytes of the outputs of all counted nodes.
  ///
  /// Elements of integer layers take one byte, those of float16 layers two.
  private(set) var activationBytes = 0
  /// Bits of the constants in the file, without shapes and indices, which are 64-bit integers.
  private(set) var storedWeightBits = 0

  /// Counts the bits of a graph whose cost is known.
  init(_ graph: Graph, _ cost: ModelCost, registry: OperatorRegistry) {
    var producers: [String: Node] = [:]
    for node in graph.nodes { for output in node.outputs { producers[output] = node } }
    var widths: [String: EnergyEstimate.Width] = [:]
    for node in graph.nodes {
      widths[node.name.isEmpty ? node.outputs.first ?? "" : node.name] = Self.width(
        node, graph, producers, registry)
    }
    for node in cost.nodes {
      let width = widths[node.name] ?? .float32
      macs[width, default: 0] += node.macs
      activationBytes += node.activationBytes / (width == .int8 ? 4 : width == .float16 ? 2 : 1)
    }
    for initializer in graph.initializers.values {
      let tensor = initializer.tensor
      guard ![.int64, .bool].contains(tensor.elementType), !tensor.shape.isEmpty else { continue }
      storedWeightBits += tensor.count * tensor.elementType.bitWidth
    }
  }

  private static func width(
    _ node: Node, _ graph: Graph, _ producers: [String: Node], _ registry: OperatorRegistry
  ) -> EnergyEstimate.Width {
    if registry.integerRole(of: node)?.isLayer == true { return .int8 }
    let sources = node.inputs.prefix(2).map { producers[$0].flatMap(registry.integerRole) }
    if sources.count == 2, sources.allSatisfy({ $0 == .dequantizer }) { return .int8 }
    let weight = node.inputs.dropFirst().first.flatMap { graph.initializers[$0]?.tensor }
    return weight?.elementType == .float16 ? .float16 : .float32
  }
}
