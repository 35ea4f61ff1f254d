import GraphIR
import Tensors

/// The product of two matrices of 8-bit integers: `Σ (a − z_a)(b − z_b)` in int32, axes before the
/// last two broadcast.
///
/// Inputs: a `[…, M, K]`, b `[…, K, N]`, optionally `z_a`, one number or `[M]`, and `z_b`, one
/// number or `[N]`.
struct MatMulInteger: Operator {
  static let opType = "MatMulInteger"

  private let product: MatMul

  init(attributes: Attributes, opset: Int) {
    product = MatMul(attributes: attributes, opset: opset)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...4)
    let (a, b) = (try inputs.required(0), try inputs.required(1))
    try a.check(0, holds: .int8, .uint8)
    try b.check(1, holds: .int8, .uint8)
    for (slot, operand, axis) in [(2, a, -2), (3, b, -1)] {
      guard let zero = inputs.optional(slot) else { continue }
      try zero.check(slot, holds: operand.elementType)
      guard zero.type.count != 1 else { continue }
      let extent = operand.shape.count > 1 ? operand.shape[operand.shape.count + axis] : 1
      try zero.check(slot, shape: [extent], "the zero point")
    }
    let plan = try BatchedProduct(a.shape, b.shape)
    return [try TensorType(checking: .int32, plan.outputShape)]
  }

  func forward(_ call: OperatorCall) throws {
    // Products of bytes are exact in float64, and so are sums of 2³⁷ of them.
    let a = centred(try call.input(0), call.optional(2), isRowwise: true)
    let b = centred(try call.input(1), call.optional(3), isRowwise: false)
    let sums = try product.evaluate([a, b], pool: call.pool)[0]
    let result = call.outputs[0].words(as: Int32.self)
    for (index, sum) in sums.doubles.enumerated() {
      result[index] = Int32(truncatingIfNeeded: Int64(sum))
    }
  }

  private func centred(_ view: TensorView, _ zero: TensorView?, isRowwise: Bool) -> Tensor {
    let (whole, zeros) = (QuantizedView(view), zero.map { QuantizedView($0) })
    let columns = view.shape.last ?? 1
    let rows = view.shape.count > 1 ? view.shape[view.shape.count - 2] : 1
    let count = zero?.count ?? 1
    let values = (0..<view.count).map { index -> Double in
      let place = count == 1 ? 0 : isRowwise ? index / max(columns, 1) % rows : index % columns
      return Double(whole[index]) - Double(zeros?[place] ?? 0)
    }
    return Tensor(values, shape: view.shape)
  }
}

extension MatMulInteger: IntegerOperator {
  static var integerRole: IntegerRole { .exactLayer }
}

extension MatMulInteger: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [0, 1] }
}
