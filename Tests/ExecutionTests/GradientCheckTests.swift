import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Every backward rule against central differences of the forward rule, on the golden cases of its
/// operator.
@Suite struct GradientCheckTests {
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
      DifferentiableSample.drawn + Self.flat + ["BatchStatisticsNormalization", "FakeQuantize"])
    #expect(missing == expected, "not checked: \(missing.sorted())")
  }

  @Test(arguments: DifferentiableSample.drawn) func drawnRulesAgreeToo(opType: String) throws {
    let check = try #require(try DirectionalCheck(DifferentiableSample.drawn(opType)))
    let outcome = try #require(try check.run(seed: 5))
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
    let check = try #require(
      try DirectionalCheck(DifferentiableSample.batchStatistics(batch: batch)))
    let outcome = try #require(try check.run(seed: 5))
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
    guard let sample = DifferentiableSample(golden) else { return nil }
    let rules = try OperatorRegistry.training.makeOperator(for: golden.node, in: sample.graph)
    guard rules is any DifferentiableOperator else { return nil }
    (feed, variables) = (sample.feed, sample.variables)
    do {
      gradient = try Gradient(
        of: [sample.output], withRespectTo: variables, in: sample.graph, registry: .training)
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
