import GraphIR

/// Lets batch normalisations use the statistics of the batch, and makes the updated running
/// statistics outputs.
///
/// Nodes named in `frozen` keep their stored statistics.
public struct UseBatchStatistics: GraphPass {
  /// The pass in words.
  public let name = "use batch statistics"
  /// How much of a batch enters the running statistics: PyTorch's momentum, one minus ONNX's.
  public var momentum: Float
  /// The γ of nodes that keep their stored statistics.
  public var frozen: Set<String>
  /// The output that holds each running statistic after the batch, by the name of the statistic.
  public static func updated(in graph: Graph) -> [String: String] {
    let nodes = graph.nodes.filter {
      $0.opType == BatchStatisticsNormalization.opType
        && $0.domain == BatchStatisticsNormalization.domain
    }
    return Dictionary(
      nodes.flatMap { zip($0.inputs[3...], $0.outputs[3...]) },
      uniquingKeysWith: { first, _ in first })
  }

  /// A pass with the given momentum.
  public init(momentum: Float = 0.03, frozen: Set<String> = []) {
    self.momentum = momentum
    self.frozen = frozen
  }

  /// Replaces the nodes.
  public func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    var names = FreshNames(graph)
    for (index, node) in graph.nodes.enumerated() {
      guard node.domain.isEmpty, node.opType == BatchNormalization.opType,
        node.inputs.count == 5, !frozen.contains(node.inputs[1])
      else { continue }
      let epsilon = try node.attributes.float("epsilon", default: 1e-5)
      let statistics = node.inputs[3...].map { names.value("updated/\($0)") }
      graph.nodes[index] = Node(
        BatchStatisticsNormalization.opType, domain: BatchStatisticsNormalization.domain,
        name: node.name, inputs: node.inputs,
        outputs: [
          node.outputs[0], names.value("\(node.outputs[0])/mean"),
          names.value("\(node.outputs[0])/deviation"),
        ] + statistics,
        attributes: ["epsilon": .float(epsilon), "momentum": .float(momentum)])
      for name in statistics {
        graph.outputs.append(ValueInfo(name: name, type: .undeclared))
      }
    }
  }
}
