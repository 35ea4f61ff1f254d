import GraphIR
import Tensors

/// The matrix product of the last two axes, the axes before them broadcast, as in NumPy.
///
/// Inputs: a `[…, M, K]` or `[K]`, b `[…, K, N]` or `[K]`.
struct MatMul: PreparedOperator, CostedOperator, WeightedOperator, DifferentiableOperator {
  static let opType = "MatMul"

  let weightSlots = [
    WeightSlot(input: 1, outputAxis: -1, inputAxis: -2),
    WeightSlot(input: 0, outputAxis: -2, inputAxis: -1),
  ]

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (a, b) = (try inputs.required(0), try inputs.required(1))
    try a.check(0, holds: .float32, .float64)
    try b.check(1, holds: a.elementType)
    let plan = try BatchedProduct(a.shape, b.shape)
    return [try TensorType(checking: a.elementType, plan.outputShape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (a, b) = (try site.inputs.required(0), try site.inputs.required(1))
    let plan = try BatchedProduct(a.shape, b.shape)
    if a.elementType == .float64 {
      return plan.kernel(Double.self) { $0($1, $2, into: $3, pool: $4) }
    }
    return plan.kernel(Float.self) { $0($1, $2, into: $3, pool: $4) }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    [outputs[0].count, inputs[0]?.shape.last ?? 0].checkedProduct.clamped
  }

  /// Carries the gradient back: `∂a = ∂y bᵀ`, `∂b = aᵀ ∂y`, batch axes that were broadcast summed.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let (a, b) = (try derivation.type(0).shape, try derivation.type(1).shape)
    let plan = try BatchedProduct(a, b)
    let batch = Array(plan.outputShape.dropLast((a.count > 1 ? 1 : 0) + (b.count > 1 ? 1 : 0)))
    let rows = a.count > 1 ? a[a.count - 2] : 1
    let columns = b.count > 1 ? b[b.count - 1] : 1
    let depth = a[a.count - 1]
    let dy = derivation.reshaped(derivation.gradient(), to: batch + [rows, columns])
    func lifted(_ name: String, _ shape: [Int], _ matrix: [Int]) -> (String, [Int]) {
      shape.count > 1 ? (name, shape) : (derivation.reshaped(name, to: matrix), matrix)
    }
    let (left, leftShape) = lifted(derivation.input(0), a, [1, depth])
    let (right, rightShape) = lifted(derivation.input(1), b, [depth, 1])
    var results: [String?] = [nil, nil]
    if derivation.wants(0) {
      let product = derivation(
        "MatMul", dy, derivation.matrixTransposed(right, rank: rightShape.count))
      let folded = derivation.folded(product, of: batch + [rows, depth], to: leftShape)
      results[0] = a.count > 1 ? folded : derivation.reshaped(folded, to: a)
    }
    if derivation.wants(1) {
      let product = derivation(
        "MatMul", derivation.matrixTransposed(left, rank: leftShape.count), dy)
      let folded = derivation.folded(product, of: batch + [depth, columns], to: rightShape)
      results[1] = b.count > 1 ? folded : derivation.reshaped(folded, to: b)
    }
    return results
  }
}

extension MatMul: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .product(transposesA: false, transposesB: false, bias: nil)
  }
}

extension MatMul: QuantizableOperator, ParameterizedOperator {
  var arithmetic: LayerArithmetic { .product(transposesA: false, transposesB: false) }

  static var quantizationRole: QuantizationRole { .layer }

  /// Run times have no integer product of matrices with scales by channel.
  var integerForm: IntegerForm? {
    IntegerForm(
      "QLinearMatMul", domain: "", [.input(0), .input(1), .output], attributes: nil,
      scalesByChannel: false)
  }

  var parameterSlots: [ParameterSlot] { [ParameterSlot(input: 1, role: .weight)] }
}
