import Execution
import GraphIR
import Operators
import Tensors

extension Graph {
  /// The network as it is quantised: normalisations folded, constants as initializers that no input overrides, under an
  /// operator set that scales by channel.
  ///
  /// - Throws: ``QuantizationError/alreadyQuantized(node:)``, ``QuantizationError/opset(node:reason:)``.
  public func preparedForQuantization(inputShapes: [String: [Int]] = [:]) throws -> Graph {
    let known: Set<String> = [
      "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "QLinearConv",
      "MatMulInteger", "QLinearMatMul",
    ]
    if let node = nodes.first(where: { known.contains($0.opType) }) {
      throw QuantizationError.alreadyQuantized(node: node.label)
    }
    var graph = self
    graph.inputs.removeAll { graph.initializers[$0.name] != nil }
    graph.nodes.removeAll { node in
      guard let tensor = node.constantTensor, let name = node.outputs.first else { return false }
      graph.initializers[name] = Initializer(tensor)
      return true
    }
    graph = try graph.withoutHalfRoundings(inputShapes: inputShapes)
    graph = try OpsetUpgrade.run(graph, inputs: try graph.concreteInputTypes(inputShapes))
    try FoldBatchNormalization().run(on: &graph)
    graph.removeDeadNodes()
    return graph
  }
}
