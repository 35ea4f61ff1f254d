import GraphIR
import Tensors

/// The matrix product of the last two axes, the axes before them broadcast, as in NumPy.
///
/// Inputs: a `[…, M, K]` or `[K]`, b `[…, K, N]` or `[K]`.
struct MatMul: PreparedOperator, CostedOperator, WeightedOperator {
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
    outputs[0].count * (inputs[0]?.shape.last ?? 0)
  }
}
