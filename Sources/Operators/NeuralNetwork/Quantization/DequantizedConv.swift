import GraphIR
import Kernels
import Tensors

/// A convolution of 8-bit integers whose sums leave as floats:
/// `f(sₓ s_w Σ (x − zₓ)(w − z_w) + bias)`.
///
/// The engine's own operator, which only its rewrites make; files never hold it. Inputs: x, its
/// scale and zero point, w, its scales and zero points (one or `[O]`), optionally the bias `[O]`,
/// float32. Attributes: those of ``Conv`` and the activation, see ``Attributes/fusedFunction()``.
struct DequantizedConv: PreparedOperator, CostedOperator {
  static let opType = "DequantizedConv"
  static let domain = "compress"

  private let place: IntegerConvolutionPlace
  private let function: (any PointFunction)?

  init(attributes: Attributes, opset: Int) throws {
    place = IntegerConvolutionPlace(
      rule: try ConvolutionRule(attributes), weights: 3, inputZero: 2, weightsZero: 5,
      saturates: try attributes.flag(SimulateSaturation.attribute, default: false))
    function = try attributes.fusedFunction()
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(6...7)
    for index in [1, 4] { try inputs.required(index).check(index, holds: .float32) }
    try inputs.required(1).checkOneNumber(1)
    let type = try place.inferType(inputs, output: .float32)
    let scale = try inputs.required(4)
    if scale.type.count != 1 { try scale.check(4, shape: [type.shape[1]], "the weights' scale") }
    if let bias = inputs.optional(6) {
      try bias.check(6, holds: .float32)
      try bias.check(6, shape: [type.shape[1]], "the bias")
    }
    return [type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let scaleCount = try site.inputs.required(4).type.count
    let kernel = try place.kernel(site, extraScratch: 4 * scaleCount) { call, scratch in
      let scales = scratch.assumingMemoryBound(to: Float.self)
      if let x = call.inputs[1]?.elements(as: Float.self),
        let w = call.inputs[4]?.elements(as: Float.self)
      {
        for index in 0..<scaleCount { scales[index] = x[0] * w[index] }
      }
      return .floats(
        call.outputs[0].base.assumingMemoryBound(to: Float.self),
        Dequantization(
          scales: UnsafeBufferPointer(start: scales, count: scaleCount),
          bias: call.optional(6).map { UnsafePointer($0.base.assumingMemoryBound(to: Float.self)) })
      )
    }
    return kernel.followed(by: function)
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    place.rule.macs(x: inputs[0], w: inputs[3])
  }
}

extension DequantizedConv: IntegerOperator {
  static var integerRole: IntegerRole { .exactLayer }
}
