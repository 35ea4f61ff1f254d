import GraphIR
import Kernels
import Tensors

/// Quantises a value to uint8 with the scale and zero point that its own range asks for.
///
/// Input: x float32. Outputs: y uint8, its scale and zero point, both scalars.
struct DynamicQuantizeLinear: Operator {
  static let opType = "DynamicQuantizeLinear"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32)
    return [TensorType(.uint8, x.shape), TensorType(.float32, []), TensorType(.uint8, [])]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0] else { return }
    let source = x.base.assumingMemoryBound(to: Float.self)
    let range = QuantizedElements.range(source, count: x.count, pool: call.pool)
    let parameters = QuantizationParameters(
      lowest: range.lowerBound, highest: range.upperBound, in: 0...255)
    QuantizedElements.quantize(
      source, to: call.outputs[0].base, count: x.count, parameters, isSigned: false,
      pool: call.pool)
    if call.outputs.count > 1 { call.outputs[1].elements(as: Float.self)[0] = parameters.scale }
    if call.outputs.count > 2 {
      call.outputs[2].elements(as: UInt8.self)[0] = UInt8(truncatingIfNeeded: parameters.zeroPoint)
    }
  }
}

extension DynamicQuantizeLinear: IntegerOperator {
  static var integerRole: IntegerRole { .dynamicQuantizer }
}

extension DynamicQuantizeLinear: ChannelOperator {
  /// Scale and zero point depend on all channels through the least and the largest value, which
  /// zeros do not move: the range that is quantised always holds zero.
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}
