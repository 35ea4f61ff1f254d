import GraphIR
import Kernels
import Tensors

/// The gradient of ``Conv``'s input, see ``InputGradient``.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y` `[N, O, (H′,) W′]`, w
/// `[O, I / groups, (kH,) kW]`. Attributes: those of the convolution, and `shape` of its input.
struct ConvolutionInputGradient: PreparedOperator, CostedOperator {
  static let opType = "ConvolutionInputGradient"
  static let domain = "compress"

  private let rule: ConvolutionRule
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    rule = try ConvolutionRule(attributes)
    shape = try attributes.ints("shape") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (gradient, w) = (try inputs.required(0), try inputs.required(1))
    try gradient.check(0, holds: .float32)
    try w.check(1, holds: .float32)
    let output = try rule.outputType(x: shape, w: w.shape, holds: .float32)
    try gradient.check(0, shape: output.shape, "the gradient")
    return [try TensorType(checking: .float32, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let w = try site.inputs.required(1)
    guard let gradient = InputGradient(try rule.geometry(x: shape, w: w.shape)) else {
      throw OperatorError.unsupported("this geometry; its derivative is a transposed convolution")
    }
    return Kernel(
      algorithm: gradient.algorithm, scratchBytes: gradient.scratchBytes(threads: site.threadCount)
    ) { call in
      gradient.run(
        gradient: UnsafePointer(try call.input(0).words(as: Float.self)),
        weights: UnsafePointer(try call.input(1).words(as: Float.self)),
        output: call.outputs[0].words(as: Float.self), scratch: call.scratch, pool: call.pool)
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let w = inputs[1] else { return 0 }
    return (try? rule.geometry(x: shape, w: w.shape))?.macs ?? 0
  }
}
