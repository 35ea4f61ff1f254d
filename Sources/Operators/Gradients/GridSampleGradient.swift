import GraphIR
import Tensors

/// The gradient of what `GridSample` reads: ∂y `[N, C, O₁, …]` scattered over the shape of x by the
/// grid.
struct GridSampleGradient: PreparedOperator {
  static let opType = "GridSampleGradient"
  static let domain = "compress"

  private let rules: GridSample
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    rules = try GridSample(
      attributes: attributes, opset: try attributes.requiredInt("opset"))
    shape = try attributes.ints("shape") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    return [try TensorType(checking: try inputs.required(0).elementType, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let plan = rules.plan(shape)
    return Kernel(algorithm: "", scratchBytes: site.threadCount * plan.scratchBytes) { call in
      try call.outputs[0].elementType == .float32
        ? plan.addBack(call, Float.self) : plan.addBack(call, Double.self)
    }
  }
}
