import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Every backward rule against central differences of the forward rule, on the golden cases of its
/// operator.
@Suite struct GradientCheckTests {
  /// Operators that no golden case reaches with float32 data away from kinks and poles; checked on
  /// samples.
  static let sampled = [
    "Acos", "Cast", "CastLike", "Compress", "HardSwish", "Reciprocal", "Swish",
  ]
  /// Cases that lie at a kink which differences of any width straddle.
  static let kinks = ["TopK_ties"]
  /// Operators whose derivative is zero wherever it exists.
  static let flat = ["Ceil", "Floor", "Hardmax", "Round", "Sign"]

  @Test func everyRuleAgreesWithCentralDifferences() throws {
    var checked: Set<String> = []
    for family in OperatorGolden.families {
      for (index, golden) in try OperatorGolden.load(family).enumerated()
      where !Self.kinks.contains(golden.name) {
        guard let outcome = try DirectionalCheck(golden)?.run(seed: UInt64(index)) else { continue }
        checked.insert(golden.node.opType)
        #expect(
          outcome.error < Tolerance.finiteDifference.bound,
          "\(golden.name): \(outcome.gradient) against \(outcome.difference)")
      }
    }
    let known = OperatorRegistry.training.all.filter { $0 is any DifferentiableOperator.Type }
    let missing = Set(known.map { $0.opType }).subtracting(checked)
    // Rounding passes gradients that differences do not see; QuantizeTests check its formula.
    let expected = Set(
      Self.sampled + Self.flat + ["BatchStatisticsNormalization", "FakeQuantize"])
    #expect(missing == expected, "not checked: \(missing.sorted())")
  }

  @Test(arguments: sampled) func sampledRulesAgreeToo(opType: String) throws {
    var random = SplitMix64(seed: 3)
    let x = Tensor((0..<24).map { _ in Float.random(in: 0.2...0.8, using: &random) })
    var golden = try #require(try OperatorGolden.load("nn").first)
    golden.node = Node(
      opType, inputs: ["x0"], outputs: ["y0"], attributes: opType == "Cast" ? ["to": .int(1)] : [:])
    (golden.inputs, golden.outputs, golden.constants) = ([x], [x], [])
    if ["CastLike", "Compress"].contains(opType) {
      golden.node.inputs.append("x1")
      golden.constants = [1]
      golden.inputs.append(
        opType == "CastLike" ? Tensor(scalar: 1 as Float) : Tensor([true, false, true, true]))
    }
    let outcome = try #require(try DirectionalCheck(golden)?.run(seed: 5))
    #expect(outcome.error < Tolerance.finiteDifference.bound, "\(outcome)")
  }

  @Test(arguments: flat) func flatFunctionsPassNoGradient(opType: String) throws {
    var graph = Graph(
      nodes: [Node(opType, inputs: ["x"], outputs: ["y"])],
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [3])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets = ["": 13]
    let gradient = try Gradient(of: ["y"], withRespectTo: ["x"], in: graph, registry: .training)
    #expect(gradient.gradients.isEmpty)
  }

  @Test(arguments: [1, 3]) func normalisationByTheBatchAgreesToo(batch: Int) throws {
    var random = SplitMix64(seed: UInt64(batch))
    func tensor(_ shape: [Int], _ range: ClosedRange<Float>) -> Tensor {
      Tensor(
        (0..<shape.reduce(1, *)).map { _ in Float.random(in: range, using: &random) }, shape: shape)
    }
    var golden = try #require(try OperatorGolden.load("nn").first)
    golden.name = "batch statistics of \(batch)"
    golden.node = Node(
      "BatchStatisticsNormalization", domain: "compress",
      inputs: (0..<5).map { "x\($0)" }, outputs: (0..<5).map { "y\($0)" })
    golden.inputs = [
      tensor([batch, 2, 3, 5], -2...2), tensor([2], 0.5...2), tensor([2], -1...1),
      tensor([2], -1...1), tensor([2], 0.5...1),
    ]
    golden.constants = [3, 4]
    golden.outputs = [tensor([batch, 2, 3, 5], 0...1)]
    let outcome = try #require(try DirectionalCheck(golden)?.run(seed: 5))
    #expect(outcome.error < Tolerance.finiteDifference.bound, "\(outcome)")
  }

  @Test func aValueReadTwiceGetsTheSumOfBothGradients() throws {
    var graph = Graph(
      nodes: [
        Node("Mul", inputs: ["x", "x"], outputs: ["square"]),
        Node("Add", inputs: ["square", "x"], outputs: ["y"]),
      ],
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [3])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets = ["": 13]
    let gradient = try Gradient(
      of: ["y"], withRespectTo: ["x"], in: graph, registry: .training)
    let session = try Session(gradient.graph, registry: .training)
    let seed = try #require(gradient.seeds["y"])
    let name = try #require(gradient.gradients["x"])
    let result = try session.run([
      "x": Tensor([1, -2, 3] as [Float]), seed: Tensor([1, 1, 2] as [Float]),
    ])
    #expect(result[name]?.floats == [3, -3, 14])
  }

  @Test func anOperatorWithoutARuleIsNamed() throws {
    var graph = Graph(
      nodes: [Node("DequantizeLinear", name: "d", inputs: ["q", "scale"], outputs: ["y"])],
      inputs: [
        ValueInfo(name: "q", type: ValueType(TensorType(.uint8, [2, 2]))),
        ValueInfo(name: "scale", type: ValueType(TensorType(.float32, []))),
      ],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets = ["": 14]
    do {
      _ = try Gradient(of: ["y"], withRespectTo: ["scale"], in: graph, registry: .training)
      Issue.record("a gradient without a rule")
    } catch let error as NodeError {
      #expect(
        error.underlying as? NotDifferentiable
          == NotDifferentiable(qualifiedType: "DequantizeLinear"))
    }
  }

  /// Operators that have no rule, and why they need none.
  static let withoutRule: [String: [String]] = [
    "whole numbers": ["BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"],
    "truth values": [
      "And", "Equal", "Greater", "GreaterOrEqual", "IsInf", "IsNaN", "Less", "LessOrEqual", "Not",
      "Or", "Xor",
    ],
    "places and extents": ["ArgMax", "ArgMin", "NonMaxSuppression", "NonZero", "Shape", "Size"],
    "makes constants": ["Constant", "ConstantOfShape", "EyeLike", "OneHot", "Range"],
    "quantised": [
      "ByteTable", "ConvInteger", "DequantizeLinear", "DequantizedConv", "DynamicQuantizeLinear",
      "FusedQLinearConv", "MatMulInteger", "QGemm", "QLinearAdd", "QLinearAveragePool",
      "QLinearConcat",
      "QLinearConv", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMatMul", "QLinearMul",
      "QLinearSigmoid", "QLinearSoftmax", "QuantizeLinear",
    ],
    "made by rewrites of inference alone": ["FusedConv"],
    "replaced by the nodes that they hold": ["If", "Loop", "Scan"],
    "order by value": ["Unique"],
    "not written": ["AffineGrid", "Attention", "DeformConv", "RoiAlign"],
    "norms, which no detector here trains through": ["GlobalLpPool", "LpPool"],
  ]

  @Test func everyOtherOperatorHasARule() {
    let missing = OperatorRegistry.standard.all.filter { !($0 is any DifferentiableOperator.Type) }
    #expect(
      Set(missing.map { $0.opType }).sorted() == Self.withoutRule.values.joined().sorted())
  }
}

/// One golden case, differentiated by its float32 inputs.
struct DirectionalCheck {
  private let gradient: Gradient
  private let session: Session
  private let feed: [String: Tensor]
  private let variables: [String]

  /// What came of a check.
  struct Outcome {
    var gradient: Double
    var difference: Double
    var error: Double
  }

  /// `nil` when the case has no float32 input or its operator no rule for this use of it.
  init?(_ golden: OperatorGolden) throws {
    var graph = golden.graph
    var feed: [String: Tensor] = [:]
    var variables: [String] = []
    for (index, tensor) in golden.inputs.enumerated() {
      guard let tensor else { continue }
      let name = "x\(index)"
      let isData = index == 0 || !golden.constants.contains(index)
      if tensor.elementType == .float32, tensor.count > 0, isData {
        variables.append(name)
        feed[name] = tensor
      }
      if golden.constants.contains(index), !variables.contains(name) {
        graph.initializers[name] = Initializer(tensor)
      } else {
        graph.inputs.append(ValueInfo(name: name, type: ValueType(tensor.type)))
        feed[name] = tensor
      }
    }
    let outputs = zip(golden.node.outputs, golden.outputs)
      .filter { $1.elementType == .float32 && $1.floats.allSatisfy(\.isFinite) }.map(\.0)
    graph.outputs = golden.node.outputs.map { ValueInfo(name: $0, type: .undeclared) }
    let rules = try OperatorRegistry.training.makeOperator(for: golden.node, in: graph)
    guard rules is any DifferentiableOperator, !variables.isEmpty, let output = outputs.first,
      golden.inputs.allSatisfy({ $0.map { $0.count > 0 } ?? true }),
      golden.outputs.allSatisfy({ $0.count > 0 })
    else {
      return nil
    }
    do {
      gradient = try Gradient(
        of: [output], withRespectTo: variables, in: graph, registry: .training)
      session = try Session(gradient.graph, registry: .training)
    } catch let error as NodeError {
      guard error.underlying is OperatorError || error.underlying is NotDifferentiable else {
        throw error
      }
      return nil
    } catch ExecutionError.unknownTap {
      // Only the run decides the output's shape.
      return nil
    }
    (self.feed, self.variables) = (feed, variables)
  }

  /// `nil` when nothing depends on the inputs, or the point lies at a kink.
  func run(seed: UInt64) throws -> Outcome? {
    guard !gradient.gradients.isEmpty, let (output, seedName) = gradient.seeds.elements.first
    else { return nil }
    var random = SplitMix64(seed: seed &+ 1)
    let directions = variables.reduce(into: [String: [Float]]()) { result, name in
      result[name] = (feed[name]?.floats ?? []).map { _ in Float.random(in: -1...1, using: &random)
      }
    }
    let type = session.inputs.first { $0.name == seedName }?.type.shape ?? []
    let cotangent = Tensor(
      (0..<type.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }, shape: type)
    let here = try results(step: 0, directions, seedName, cotangent)
    var (inner, scale) = (0.0, 0.0)
    for (variable, name) in gradient.gradients {
      for (g, v) in zip(here[name]?.floats ?? [], directions[variable] ?? []) {
        inner += Double(g) * Double(v)
        scale += abs(Double(g) * Double(v))
      }
    }
    func slope(_ step: Float) throws -> Double {
      let ends = try [step, -step].map {
        try results(step: $0, directions, seedName, cotangent)[output]?.floats ?? []
      }
      return zip(zip(ends[0], ends[1]), cotangent.floats).reduce(0) {
        $0 + (Double($1.0.0) - Double($1.0.1)) * Double($1.1)
      } / Double(2 * step)
    }
    let (coarse, fine) = (try slope(1.0 / 256), try slope(1.0 / 512))
    let size = max(abs(inner), abs(fine), 0.05 * scale, 1e-3)
    guard fine.isFinite, abs(coarse - fine) < 0.3 * Tolerance.finiteDifference.bound * size else {
      return nil
    }
    return Outcome(
      gradient: inner, difference: fine, error: abs(inner - fine) / size)
  }

  private func results(
    step: Float, _ directions: [String: [Float]], _ seedName: String, _ cotangent: Tensor
  ) throws -> [String: Tensor] {
    var moved = feed
    for (name, direction) in directions {
      guard let tensor = feed[name] else { continue }
      moved[name] = Tensor(
        zip(tensor.floats, direction).map { $0 + step * $1 }, shape: tensor.shape)
    }
    moved[seedName] = cotangent
    return try session.run(moved)
  }
}
