import Execution
import GraphIR
import Operators
import Tensors

extension Graph {
  /// The network as it is quantised.
  ///
  /// Normalisations are folded. Constants are initializers that no input overrides. The operator
  /// set is one that scales by channel.
  ///
  /// - Parameters:
  ///   - registry: The known operators.
  ///   - inputShapes: Shapes of dynamic inputs.
  /// - Throws: ``QuantizationError/alreadyQuantized(node:)``,
  ///   ``QuantizationError/opset(node:reason:)``.
  public func preparedForQuantization(
    registry: OperatorRegistry, inputShapes: [String: [Int]] = [:]
  ) throws -> Graph {
    if let node = firstIntegerNode(registry) {
      throw QuantizationError.alreadyQuantized(node: node.label)
    }
    var graph = withConstantsAsInitializers()
    graph.inputs.removeAll { initializers[$0.name] != nil }
    graph = try graph.withoutHalfRoundings(registry: registry, inputShapes: inputShapes)
    graph = try OpsetUpgrade.run(
      graph, registry: registry, inputs: try graph.concreteInputTypes(inputShapes))
    try FoldBatchNormalization().run(on: &graph, registry: registry)
    graph.removeDeadNodes()
    return graph
  }
}
