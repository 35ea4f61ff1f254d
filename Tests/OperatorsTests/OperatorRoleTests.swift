import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// What operators say of themselves, asked of every one that is registered: an operator without a
/// role is listed here, under its reason.
@Suite struct OperatorRoleTests {
  private static let operators = OperatorRegistry.standard.all

  /// Operators that stay float between fake-quantised values, and why.
  static let withoutQuantizationRole: [String: [String]] = [
    "made of integers already": [
      "ByteTable", "ConvInteger", "DequantizeLinear", "DequantizedConv", "DynamicQuantizeLinear",
      "FakeQuantize", "FusedQLinearConv", "MatMulInteger", "QGemm", "QLinearAdd",
      "QLinearAveragePool", "QLinearConcat", "QLinearConv", "QLinearGlobalAveragePool",
      "QLinearLeakyRelu", "QLinearMatMul", "QLinearMul", "QLinearSigmoid", "QLinearSoftmax",
      "QuantizeLinear",
    ],
    "activations that run times have no integer kernel for": [
      "Celu", "Elu", "Gelu", "Gelu", "Mish", "PRelu", "Selu", "Shrink", "Softplus", "Softsign",
      "Swish", "ThresholdedRelu",
    ],
    "functions that run times have no integer kernel for": [
      "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Exp",
      "Floor", "Log", "Neg", "Reciprocal", "Round", "Sign", "Sin", "Sinh", "Sqrt", "Tan",
    ],
    "operations on several values that run times have no integer kernel for": [
      "Div", "Max", "Mean", "Min", "Mod", "Pow", "Sub", "Sum", "Where",
    ],
    "layers that run times compute on floats": [
      "Attention", "DeformConv", "Einsum", "FusedConv", "RoiAlign", "RotaryEmbedding",
    ],
    "normalisations, whose results need a range that is not known before": [
      "BatchNormalization", "GroupNormalization", "Hardmax", "InstanceNormalization", "LRN",
      "LayerNormalization", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization",
      "RMSNormalization", "Softmax",
    ],
    "pools and reductions that run times have no integer kernel for": [
      "CumSum", "GlobalLpPool", "GlobalMaxPool", "LpPool", "ReduceL1", "ReduceL2", "ReduceLogSum",
      "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
      "ReduceSumSquare",
    ],
    "movements that detectors have behind their last layers, or that mix in other values": [
      "Compress", "Dropout", "Expand", "GatherElements", "GatherND", "GridSample", "Pad",
      "ReverseSequence", "Scatter", "ScatterElements", "ScatterND", "TopK", "Trilu", "Unique",
      "Upsample",
    ],
    "whole numbers, truth values and places": [
      "And", "ArgMax", "ArgMin", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor",
      "Cast", "CastLike", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less",
      "LessOrEqual", "NonMaxSuppression", "NonZero", "Not", "Or", "Shape", "Size", "Xor",
    ],
    "make values": ["AffineGrid", "Constant", "ConstantOfShape", "EyeLike", "OneHot", "Range"],
    "hold graphs": ["If", "Loop", "Scan"],
  ]

  @Test func everyOperatorHasAQuantizationRoleOrAReason() {
    let missing = Self.operators.filter { !($0 is any QuantizableOperator.Type) }
    #expect(
      missing.map { $0.opType }.sorted() == Self.withoutQuantizationRole.values.joined().sorted())
  }

  @Test func rolesAreTaken() {
    let types = Self.operators.compactMap { $0 as? any QuantizableOperator.Type }
    #expect(Set(types.map { $0.quantizationRole }) == Set(QuantizationRole.allCases))
    for type in types where type is any ClampOperator.Type {
      #expect(type.quantizationRole == .clamp, "\(type.opType)")
    }
    for type in types where type.quantizationRole == .layer {
      #expect(type is any WeightedOperator.Type, "\(type.opType)")
    }
  }

  /// An operator that has no role between quantised values, because it is made of integers, says
  /// what it does with them.
  @Test func everyOperatorOnIntegersSaysWhatItDoes() {
    let types = Self.operators.compactMap { $0 as? any IntegerOperator.Type }
    #expect(
      types.map { $0.opType }.sorted() == Self.withoutQuantizationRole["made of integers already"])
    #expect(Set(types.map { $0.integerRole }) == Set(IntegerRole.allCases))
    let registry = OperatorRegistry.standard
    func role(_ opType: String, domain: String = "") -> IntegerRole? {
      registry.integerRole(of: Node(opType, domain: domain, inputs: [], outputs: []))
    }
    #expect(role("QuantizeLinear", domain: "com.microsoft") == .quantizer)
    #expect(role("Conv") == nil && role("Nothing") == nil)
  }

  /// Operators with weights that training does not move, and why.
  static let untrained = ["ConvInteger", "QLinearConv"]

  @Test func everyLayerSaysWhatItsInputsAre() throws {
    var seen: Set<String> = []
    for (rules, golden) in try cases() {
      guard let layer = rules as? any WeightedOperator else { continue }
      seen.insert(golden.node.opType)
      let label = golden.name
      let parameters = (rules as? any ParameterizedOperator)?.parameterSlots
      #expect((parameters == nil) == Self.untrained.contains(golden.node.opType), "\(label)")
      if let parameters {
        #expect(parameters.first { $0.role == .bias }?.input == layer.biasInput, "\(label)")
        let weights = Set(layer.weightSlots.map(\.input))
        for slot in parameters where slot.role == .weight {
          #expect(weights.contains(slot.input), "\(label)")
        }
      }
      let operands = golden.inputs.map { $0.map { Operand(constant: $0) } }
      let flow = (rules as? any ChannelOperator)?.channelFlow(
        inputs: operands, outputs: golden.outputs.map(\.type))
      switch (flow, layer.arithmetic) {
      case (.convolution(let weight, let bias, let groups, let isTransposed), let own):
        #expect(own == .convolution(groups: groups, isTransposed: isTransposed), "\(label)")
        #expect(layer.weightSlots.map(\.input) == [weight], "\(label)")
        if parameters != nil, let bias { #expect(bias == layer.biasInput, "\(label)") }
      case (.product(let transposesA, let transposesB, let bias), let own):
        #expect(
          own == .product(transposesA: transposesA, transposesB: transposesB), "\(label)")
        if let bias { #expect(bias == layer.biasInput, "\(label)") }
      default: break
      }
    }
    let known = Self.operators.filter { $0 is any WeightedOperator.Type }.map { $0.opType }
    #expect(seen == Set(known), "no case: \(Set(known).subtracting(seen))")
  }

  @Test func integerFormsAreRegistered() throws {
    var forms: [String: IntegerForm] = [:]
    for (rules, golden) in try cases() {
      guard let form = (rules as? any QuantizableOperator)?.integerForm else { continue }
      forms[golden.node.opType] = form
      let node = Node(form.opType, domain: form.domain, inputs: [], outputs: [])
      #expect(OperatorRegistry.standard.knows(node), "\(golden.name)")
      #expect(form.parts.count { $0 == .output } == 1, "\(golden.name)")
    }
    #expect(
      forms.keys.sorted() == [
        "Add", "AveragePool", "Concat", "Conv", "Gemm", "GlobalAveragePool", "LeakyRelu", "MatMul",
        "Mul", "Sigmoid",
      ])
  }

  /// Elementwise operators scale as they say.
  @Test func homogeneousFunctionsScale() throws {
    let types = Self.operators.compactMap { $0 as? any ElementwiseOperator.Type }
    let homogeneous = types.filter { $0.isPositivelyHomogeneous }
    #expect(homogeneous.map { $0.opType }.sorted() == ["LeakyRelu", "Relu"])
    let x = Tensor([-3, -1, -0.25, 0, 0.5, 2] as [Float])
    let pool = ThreadPool(threads: 1)
    for type in homogeneous {
      let rules = try type.init(attributes: [:], opset: 16)
      let scaled = Tensor(x.floats.map { 4 * $0 })
      #expect(
        try rules.evaluate([scaled], pool: pool)[0].floats
          == rules.evaluate([x], pool: pool)[0].floats.map { 4 * $0 }, "\(type.opType)")
    }
  }

  /// Layout operators make elements of input 0 alone, unless they say that they mix.
  @Test func layoutOperatorsMakeElementsOfTheirInput() throws {
    var seen: Set<String> = []
    for (rules, golden) in try cases() {
      guard let layout = rules as? any QuantizableOperator,
        type(of: layout).quantizationRole == .layout, layout.elementMotion != .mixed,
        let x = golden.inputs[0], x.elementType == .float32
      else { continue }
      seen.insert(golden.node.opType)
      let known = Set(x.floats.map(\.bitPattern)).union([Float(0).bitPattern])
      let made = golden.outputs[0].floats
      #expect(made.allSatisfy { known.contains($0.bitPattern) }, "\(golden.name)")
    }
    let types = Self.operators.compactMap { $0 as? any QuantizableOperator.Type }
    let layouts = types.filter { $0.quantizationRole == .layout }.map { $0.opType }
    #expect(seen == Set(layouts), "no case: \(Set(layouts).subtracting(seen))")
  }

  /// The rules and golden of every case whose attributes are as they should be.
  private func cases() throws -> [(rules: any Operator, golden: OperatorGolden)] {
    try OperatorGolden.families.flatMap { family in
      try OperatorGolden.load(family).compactMap { golden in
        guard
          let rules = try? OperatorRegistry.standard.makeOperator(
            for: golden.node, in: golden.graph)
        else { return nil }
        return (rules, golden)
      }
    }
  }
}
