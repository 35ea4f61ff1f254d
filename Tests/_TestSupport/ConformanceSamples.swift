import GraphIR
import Tensors

/// Nodes that make sense, for every registered operator: its goldens, or one written here.
public enum ConformanceSamples {
  /// The samples of one operator.
  public static func samples(
    domain: String, opType: String, _ goldens: [OperatorGolden]
  ) -> [Nonsense.Case] {
    let own = goldens.filter { $0.node.opType == opType && $0.node.domain == domain }.map {
      Nonsense.Case(node: $0.node, opset: $0.opset, inputs: $0.inputs)
    }
    return own.isEmpty ? written.filter { $0.node.opType == opType } : own
  }

  private static func ramp(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.product).map { Float($0 % 7) - 3 }, shape: shape)
  }

  private static func sample(
    _ opType: String, domain: String = "", opset: Int, _ inputs: [Tensor?],
    _ attributes: Attributes = [:]
  ) -> Nonsense.Case {
    let names = inputs.indices.map { inputs[$0] == nil ? "" : "x\($0)" }
    return Nonsense.Case(
      node: Node(opType, domain: domain, inputs: names, outputs: ["y0"], attributes: attributes),
      opset: opset, inputs: inputs)
  }

  /// Samples of operators that ONNX Runtime does not have.
  private static let written: [Nonsense.Case] = [
    sample("Constant", opset: 13, [], ["value": .tensor(ramp([2, 3]))]),
    sample("Constant", opset: 13, [], ["value_ints": .ints([1, 2])]),
    sample("Gelu", domain: "com.microsoft", opset: 1, [ramp([2, 9])]),
    sample("Swish", opset: 24, [ramp([2, 9])], ["alpha": .float(1.5)]),
    sample(
      "FusedConv", domain: "compress", opset: 1, [ramp([1, 2, 5, 5]), ramp([3, 2, 3, 3])],
      ["pads": .ints([1, 1, 1, 1]), "activation": .string("Relu")]),
    sample(
      "FusedConv", domain: "compress", opset: 1,
      [ramp([2, 2, 5, 5]), ramp([4, 1, 3, 3]), ramp([4]), ramp([2, 4, 3, 3])],
      [
        "group": .int(2), "activation": .string("Clip"),
        "activation_params": .floats([0, 6]), "residual": .string("before"),
      ]),
  ]
}
