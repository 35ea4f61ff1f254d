import Execution
import GraphIR
import Reports
import Tensors

/// In which numbers the layers of a model compute and its constants are stored.
struct BitWidths {
  /// Multiply–accumulates by the width of their factors.
  private(set) var macs: [EnergyEstimate.Width: Int] = [:]
  /// Bytes of the outputs of all counted nodes, those of integer layers as bytes, of float16 layers
  /// as two.
  private(set) var activationBytes = 0
  /// Bits of the constants the file stores; shapes and indices, which are 64-bit integers, aside.
  private(set) var storedWeightBits = 0

  private static let integerTypes: Set<String> = [
    "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "QGemm",
  ]

  /// Looks a graph through whose cost is known.
  init(_ graph: Graph, _ cost: ModelCost) {
    var producers: [String: Node] = [:]
    for node in graph.nodes { for output in node.outputs { producers[output] = node } }
    var widths: [String: EnergyEstimate.Width] = [:]
    for node in graph.nodes {
      widths[node.name.isEmpty ? node.outputs.first ?? "" : node.name] = Self.width(
        node, graph, producers)
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
    _ node: Node, _ graph: Graph, _ producers: [String: Node]
  ) -> EnergyEstimate.Width {
    if integerTypes.contains(node.opType) { return .int8 }
    let sources = node.inputs.prefix(2).map { producers[$0]?.opType }
    if sources.count == 2, sources.allSatisfy({ $0 == "DequantizeLinear" }) { return .int8 }
    let weight = node.inputs.dropFirst().first.flatMap { graph.initializers[$0]?.tensor }
    return weight?.elementType == .float16 ? .float16 : .float32
  }
}
