import GraphIR
import Tensors

/// `y = α op(a) op(b) + β c` with `op` the transpose where asked for and c broadcast.
///
/// Inputs: a `[M, K]`, b `[K, N]`, optionally c that broadcasts to `[M, N]`.
struct Gemm: Operator, CostedOperator, WeightedOperator, DifferentiableOperator {
  static let opType = "Gemm"

  let alpha: Float
  let beta: Float
  let transposesA: Bool
  let transposesB: Bool

  init(attributes: Attributes, opset: Int) throws {
    alpha = try attributes.float("alpha", default: 1)
    beta = try attributes.float("beta", default: 1)
    transposesA = try attributes.flag("transA", default: false)
    transposesB = try attributes.flag("transB", default: false)
  }

  var weightSlots: [WeightSlot] {
    let (rows, columns) = transposesB ? (0, 1) : (1, 0)
    return [WeightSlot(input: 1, outputAxis: rows, inputAxis: columns)]
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...3)
    let (a, b) = (try inputs.required(0), try inputs.required(1))
    try a.check(0, holds: .float32, .float64)
    try b.check(1, holds: a.elementType)
    try a.check(0, rank: 2...2)
    try b.check(1, rank: 2...2)
    let product = product(a.shape, b.shape)
    guard (transposesB ? b.shape[1] : b.shape[0]) == product.depth else {
      throw OperatorError.incompatible(
        [a.shape, b.shape], reason: "cannot be multiplied as matrices")
    }
    let shape = [product.rows, product.columns]
    if let c = inputs.optional(2) {
      try c.check(2, holds: a.elementType)
      let fits =
        c.shape.count <= 2
        && zip(c.shape.reversed(), shape.reversed()).allSatisfy { $0 == 1 || $0 == $1 }
      guard fits else {
        throw OperatorError.shape(
          input: 2, found: c.shape, reason: "does not broadcast to \(shape)")
      }
    }
    return [try TensorType(checking: a.elementType, shape)]
  }

  func forward(_ call: OperatorCall) throws {
    guard let a = call.inputs[0], let b = call.inputs[1] else { return }
    let product = product(a.shape, b.shape)
    let beta: Float = call.inputs.count > 2 && call.inputs[2] != nil ? 1 : 0
    if a.elementType == .float32 {
      placeAddend(call, Float.self, Float(self.beta))
      product(
        pointer(a, Float.self), pointer(b, Float.self),
        into: call.outputs[0].base.assumingMemoryBound(to: Float.self), alpha: alpha, beta: beta,
        pool: call.pool)
    } else {
      placeAddend(call, Double.self, Double(self.beta))
      product(
        pointer(a, Double.self), pointer(b, Double.self),
        into: call.outputs[0].base.assumingMemoryBound(to: Double.self), alpha: Double(alpha),
        beta: Double(beta), pool: call.pool)
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let a = inputs[0] else { return 0 }
    return [outputs[0].count, transposesA ? a.shape[0] : a.shape[1]].checkedProduct.clamped
  }

  private func product(_ a: [Int], _ b: [Int]) -> MatrixProduct {
    MatrixProduct(
      rows: transposesA ? a[1] : a[0], columns: transposesB ? b[0] : b[1],
      depth: transposesA ? a[0] : a[1], transposesLeft: transposesA, transposesRight: transposesB)
  }

  private func pointer<Element>(_ view: TensorView, _: Element.Type) -> UnsafePointer<Element> {
    UnsafePointer(view.base.assumingMemoryBound(to: Element.self))
  }

  /// Writes `β c`, broadcast, to the output, for the product to be added to.
  private func placeAddend<Element: TensorElement & FloatingPoint>(
    _ call: OperatorCall, _: Element.Type, _ beta: Element
  ) {
    guard call.inputs.count > 2, let c = call.inputs[2] else { return }
    let (rows, columns) = (call.outputs[0].shape[0], call.outputs[0].shape[1])
    let rowStride = c.shape.count == 2 && c.shape[0] > 1 ? c.shape[1] : 0
    let columnStride = (c.shape.last ?? 1) > 1 ? 1 : 0
    let (source, target) = (
      c.elements(as: Element.self), call.outputs[0].elements(as: Element.self)
    )
    for row in 0..<rows {
      for column in 0..<columns {
        target[row * columns + column] = beta * source[row * rowStride + column * columnStride]
      }
    }
  }

  /// Carries the gradient back: `∂a = α ∂y bᵀ`, `∂b = α aᵀ ∂y`, each transposed as its operand;
  /// `∂c = β ∂y` summed.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    func gemm(_ a: String, _ b: String, _ transposesLeft: Bool, _ transposesRight: Bool) -> String {
      derivation(
        Self.opType, a, b,
        attributes: [
          "alpha": .float(alpha), "transA": .int(transposesLeft ? 1 : 0),
          "transB": .int(transposesRight ? 1 : 0),
        ])
    }
    let (a, b) = (derivation.input(0), derivation.input(1))
    var results: [String?] = [nil, nil, nil]
    if derivation.wants(0) {
      results[0] =
        transposesA ? gemm(b, dy, transposesB, true) : gemm(dy, b, false, !transposesB)
    }
    if derivation.wants(1) {
      results[1] =
        transposesB ? gemm(dy, a, true, transposesA) : gemm(a, dy, !transposesA, false)
    }
    if derivation.wants(2) {
      results[2] = try derivation.folded(derivation.scaled(dy, by: beta), toInput: 2)
    }
    return results
  }
}

extension Gemm: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .product(
      transposesA: transposesA, transposesB: transposesB,
      bias: inputs.optional(2) == nil ? nil : 2)
  }
}

extension Gemm: QuantizableOperator, ParameterizedOperator {
  var arithmetic: LayerArithmetic {
    .product(transposesA: transposesA, transposesB: transposesB)
  }
  var biasInput: Int? { 2 }
  var factors: ProductFactors { ProductFactors(product: alpha, bias: beta) }

  static var quantizationRole: QuantizationRole { .layer }

  var integerForm: IntegerForm? {
    IntegerForm(
      "QGemm", [.input(0), .input(1), .bias(2), .output], attributes: ["alpha", "transA", "transB"])
  }

  var parameterSlots: [ParameterSlot] { .weightAndBias }
}
