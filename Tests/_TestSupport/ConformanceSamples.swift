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

  private static func bytes(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.product).map { UInt8(truncatingIfNeeded: 37 * $0 + 5) }, shape: shape)
  }

  /// Bytes with their scale and zero point.
  private static func quantized(_ shape: [Int], _ zero: UInt8 = 120) -> [Tensor?] {
    [bytes(shape)] + quantization(zero)
  }

  private static func quantization(_ zero: UInt8 = 120) -> [Tensor?] {
    [Tensor(scalar: Float(0.05)), Tensor(scalar: zero)]
  }

  private static func weights(_ shape: [Int]) -> [Tensor?] {
    let count = shape.product
    return [
      Tensor((0..<count).map { Int8(truncatingIfNeeded: 29 * $0 - 60) }, shape: shape),
      Tensor((0..<shape[0]).map { 0.01 * Float($0 + 1) }),
      Tensor([Int8](repeating: 0, count: shape[0])),
    ]
  }

  private static func microsoft(
    _ opType: String, _ inputs: [Tensor?], _ attributes: Attributes = [:]
  ) -> Nonsense.Case {
    sample(opType, domain: "com.microsoft", opset: 1, inputs, attributes)
  }

  /// Quantised operators of ONNX Runtime's own domain and of the engine.
  private static let quantizedOperators: [Nonsense.Case] = [
    microsoft("QLinearAdd", quantized([2, 3, 4]) + quantized([3, 1], 7) + quantization()),
    microsoft("QLinearMul", quantized([2, 3, 4]) + quantized([2, 3, 4], 7) + quantization()),
    microsoft("QLinearSigmoid", quantized([2, 9]) + quantization(0)),
    microsoft("QLinearLeakyRelu", quantized([2, 9]) + quantization(), ["alpha": .float(0.1)]),
    microsoft(
      "QLinearConcat", quantization() + quantized([1, 2, 5]) + quantized([1, 3, 5], 9),
      ["axis": .int(1)]),
    microsoft(
      "QLinearAveragePool", quantized([1, 2, 5, 5]) + quantization(),
      ["kernel_shape": .ints([3, 3])]),
    microsoft("QLinearGlobalAveragePool", quantized([1, 2, 5, 5]) + quantization()),
    microsoft(
      "QLinearSoftmax", quantized([2, 9]) + quantization(0),
      ["opset": .int(13), "axis": .int(-1)]),
    microsoft(
      "QGemm",
      quantized([2, 6]) + quantized([4, 6], 130) + [Tensor([Int32](arrayLiteral: 3, -9, 0, 80))]
        + quantization(), ["transB": .int(1)]),
    sample(
      "QLinearMatMul", opset: 10, quantized([2, 3, 6]) + quantized([6, 4], 130) + quantization()),
    sample(
      "MatMulInteger", opset: 10,
      [bytes([2, 3, 6]), bytes([6, 4]), Tensor([UInt8(3)]), Tensor([1, 2, 3, 4] as [UInt8])]),
    sample(
      "FakeQuantize", domain: "compress", opset: 1, [ramp([3, 4]), ramp([3])],
      ["lowest": .int(-7), "highest": .int(7)]),
    sample("ByteTable", domain: "compress", opset: 1, [bytes([2, 9]), bytes([256])]),
    sample(
      "FusedQLinearConv", domain: "compress", opset: 1,
      quantized([1, 3, 6, 6]) + weights([4, 3, 3, 3]) + quantization() + [nil, bytes([256])]),
    sample(
      "DequantizedConv", domain: "compress", opset: 1,
      quantized([1, 3, 6, 6]) + weights([4, 3, 3, 3]) + [ramp([4])],
      ["activation": .string("Swish")]),
  ]

  /// A graph of one node that reads `input` and makes `output`.
  private static func body(
    _ opType: String, inputs: [String] = [], _ input: String, outputs: [String] = []
  ) -> AttributeValue {
    let named = (inputs + outputs).map { ValueInfo(name: $0, type: .undeclared) }
    return .graph(
      Graph(
        nodes: [Node(opType, inputs: [input], outputs: ["made"])],
        inputs: Array(named.prefix(inputs.count)),
        outputs: Array(named.dropFirst(inputs.count))
          + [ValueInfo(name: "made", type: .undeclared)]))
  }

  /// Samples of operators that ONNX Runtime does not have, or that goldens do not show.
  private static let written: [Nonsense.Case] =
    quantizedOperators + [
      sample(
        "If", opset: 16, [Tensor(scalar: true)],
        ["then_branch": body("Not", "x0"), "else_branch": body("Identity", "x0")]),
      sample(
        "Loop", opset: 16, [Tensor(scalar: Int64(3)), Tensor(scalar: true), ramp([2, 3])],
        ["body": body("Neg", inputs: ["i", "c", "v"], "v", outputs: ["c"])]),
      sample(
        "Scan", opset: 16, [ramp([3]), ramp([4, 3])],
        [
          "num_scan_inputs": .int(1),
          "body": body("Neg", inputs: ["v", "s"], "s", outputs: ["v"]),
        ]),
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
          "activation_min": .float(0), "activation_max": .float(6), "residual": .string("before"),
        ]),
    ]
}
