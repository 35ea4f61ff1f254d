import GraphIR
import Kernels
import Tensors

/// The gradient of ``Conv``'s weights: `∂w[o,i,t] = Σ_{n,p} ∂y[n,o,p] · x[n,i,p under tap t]`.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y` `[N, O, (H′,) W′]`, x
/// `[N, I, (H,) W]`. Attributes: those of the convolution, and `shape` of the weights. For each
/// group the input is unfolded strip by strip and multiplied with the matching strip of `∂y`;
/// images and strips sum in a fixed order.
struct ConvolutionWeightGradient: PreparedOperator, CostedOperator {
  static let opType = "ConvolutionWeightGradient"
  static let domain = "compress"

  private let rule: ConvolutionRule
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    rule = try ConvolutionRule(attributes)
    shape = try attributes.ints("shape") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (gradient, x) = (try inputs.required(0), try inputs.required(1))
    try gradient.check(0, holds: .float32)
    try x.check(1, holds: .float32)
    let output = try rule.outputType(x: x.shape, w: shape, holds: .float32)
    try gradient.check(0, shape: output.shape, "the gradient")
    return [try TensorType(checking: .float32, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let x = try site.inputs.required(1)
    let gradient = WeightGradient(try rule.geometry(x: x.shape, w: shape))
    return Kernel(
      algorithm: gradient.algorithm, scratchBytes: gradient.scratchBytes
    ) { call in
      gradient.run(
        gradient: UnsafePointer(try call.input(0).words(as: Float.self)),
        input: UnsafePointer(try call.input(1).words(as: Float.self)),
        output: call.outputs[0].words(as: Float.self), scratch: call.scratch, pool: call.pool)
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let x = inputs[1] else { return 0 }
    return (try? rule.geometry(x: x.shape, w: shape))?.macs ?? 0
  }
}
