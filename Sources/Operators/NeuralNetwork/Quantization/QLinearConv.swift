import GraphIR
import Kernels
import Tensors

/// A convolution of 8-bit integers whose result is quantised again.
///
/// Inputs: x, its scale and zero point, w, its scales and zero points (one or `[O]`), y's scale and
/// zero point, optionally the bias `[O]`, int32 in units of the product of the scales of x and w.
/// `y = round((Σ (x − zₓ)(w − z_w) + bias) · (sₓ s_w / s_y)) + z_y`.
struct QLinearConv: PreparedOperator, CostedOperator, WeightedOperator {
  static let opType = "QLinearConv"
  let weightSlots = [WeightSlot(input: 3, outputAxis: 0, inputAxis: 1)]
  var arithmetic: LayerArithmetic {
    .convolution(groups: place.rule.groups, isTransposed: false)
  }

  private let place: IntegerConvolutionPlace

  init(attributes: Attributes, opset: Int) throws {
    place = IntegerConvolutionPlace(
      rule: try ConvolutionRule(attributes), weights: 3, inputZero: 2, weightsZero: 5,
      saturates: try attributes.flag(SimulateSaturation.attribute, default: false))
    try attributes.refuseChannelsLast()
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(8...9)
    for index in [1, 4, 6] { try inputs.required(index).check(index, holds: .float32) }
    for index in [1, 6, 7] { try inputs.required(index).checkOneNumber(index) }
    let (scale, zero) = (try inputs.required(4), try inputs.required(7))
    try zero.check(7, holds: .uint8, .int8)
    let type = try place.inferType(inputs, output: zero.elementType)
    if scale.type.count != 1 { try scale.check(4, shape: [type.shape[1]], "the weights' scale") }
    if let bias = inputs.optional(8) {
      try bias.check(8, holds: .int32)
      try bias.check(8, shape: [type.shape[1]], "the bias")
    }
    return [type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel { try kernel(site, table: nil) }

  /// The kernel at a place in a graph.
  ///
  /// - Parameter table: The input that holds what each byte becomes in the end; `nil` for none.
  func kernel(_ site: PreparationSite, table: Int?) throws -> Kernel {
    let scaleCount = try site.inputs.required(4).type.count
    let isSigned = try site.inputs.required(7).elementType == .int8
    let lookupStart = (4 * scaleCount + 63) / 64 * 64
    return try place.kernel(site, extraScratch: lookupStart + ByteLookup.bytes) { call, scratch in
      let scales = scratch.assumingMemoryBound(to: Float.self)
      if let x = call.inputs[1]?.elements(as: Float.self),
        let w = call.inputs[4]?.elements(as: Float.self),
        let y = call.inputs[6]?.elements(as: Float.self)
      {
        for index in 0..<scaleCount { scales[index] = x[0] * w[index] / y[0] }
      }
      return .quantized(
        call.outputs[0].base.assumingMemoryBound(to: UInt8.self),
        Requantization(
          scales: UnsafeBufferPointer(start: scales, count: scaleCount),
          bias: call.optional(8).map { UnsafePointer($0.base.assumingMemoryBound(to: Int32.self)) },
          zeroPoint: call.zeroPoint(7), isSigned: isSigned,
          lookup: table.flatMap { call.inputs[$0] }.map {
            ByteLookup($0.base, in: scratch + lookupStart)
          }))
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    place.rule.macs(x: inputs[0], w: inputs[3])
  }
}

extension QLinearConv: IntegerOperator {
  static var integerRole: IntegerRole { .layer }
}

extension QLinearConv: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [3, 8] }
}
