import GraphIR
import Kernels
import Tensors

/// The floats that integers stand for: `scale × (q − zeroPoint)`.
///
/// Inputs: x, scale and optionally the zero point of x's type. Scales are one number, one for each
/// index of `axis`, or one for each block of `block_size` along it.
struct DequantizeLinear: Operator {
  static let opType = "DequantizeLinear"

  let rule: QuantizationRule
  /// Integer arithmetic wants the integers.
  let foldsLate = true

  init(attributes: Attributes, opset: Int) throws {
    rule = try QuantizationRule(attributes)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let x = try inputs.required(0)
    try x.check(0, holds: .int8, .uint8, .int16, .uint16, .int32, .int4, .uint4)
    _ = try rule.layout(inputs, quantized: x.elementType)
    return [try TensorType(checking: .float32, x.shape)]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0], let scales = call.inputs[1]?.elements(as: Float.self),
      let target = call.outputs[0].elements(as: Float.self).baseAddress
    else { return }
    let layout = try rule.layout(x: x.shape, scale: call.inputs[1]?.shape ?? [])
    let zeros = call.optional(2).map { QuantizedView($0) }
    let source = QuantizedView(x)
    let isSigned = x.elementType == .int8
    layout.forEachRun(pool: call.pool) { run in
      if run.step == 0, source.isByte {
        let parameters = QuantizationParameters(
          scale: scales[run.scale], zeroPoint: zeros?[run.scale] ?? 0)
        let first = run.elements.lowerBound
        if layout.hasOneRun {
          QuantizedElements.dequantize(
            x.base, to: target, count: run.elements.count, parameters, isSigned: isSigned,
            pool: call.pool)
        } else {
          QuantizedElements.dequantizeRun(
            x.base + first, to: target + first, count: run.elements.count, parameters,
            isSigned: isSigned)
        }
        return
      }
      for (place, index) in run.elements.enumerated() {
        let scale = run.scale + run.step * place
        let parameters = QuantizationParameters(
          scale: scales[scale], zeroPoint: zeros?[scale] ?? 0)
        target[index] = parameters.float(source[index])
      }
    }
  }
}

extension DequantizeLinear: IntegerOperator {
  static var integerRole: IntegerRole { .dequantizer }
}

extension DequantizeLinear: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    rule.channelFlow(inputs)
  }
}

extension DequantizeLinear: DecodingOperator {
  func scaleAxis(_ inputs: [Tensor?]) throws -> Int? {
    guard let x = inputs[0], let scale = inputs[1], scale.count > 1 else { return nil }
    let axis = rule.axis < 0 ? rule.axis + x.shape.count : rule.axis
    guard scale.shape.count == 1, x.shape.indices.contains(axis), scale.count == x.shape[axis]
    else {
      throw OperatorError.unsupported("scales of blocks where channels are removed")
    }
    return axis
  }

  func encode(_ numbers: Tensor, inputs: [Tensor?]) throws -> Tensor {
    guard let stored = inputs.first ?? nil, inputs.count > 1, let scale = inputs[1] else {
      throw OperatorError.inputCount(expected: "2 or 3", found: inputs.count)
    }
    let result = Tensor(zeros: TensorType(stored.elementType, numbers.shape))
    let target = QuantizedView(result.view)
    let zeros = inputs.count > 2 ? inputs[2].map { QuantizedView($0.view) } : nil
    let layout = try rule.layout(x: numbers.shape, scale: scale.shape)
    let (numbers, scales) = (numbers.floats, scale.floats)
    withExtendedLifetime((result, inputs)) {
      layout.forEachRun(pool: ThreadPool(threads: 1)) { run in
        for (place, index) in run.elements.enumerated() {
          let own = run.scale + run.step * place
          target.store(
            Self.integer(
              numbers[index], scale: scales[own], zeroPoint: zeros?[own] ?? 0,
              in: stored.elementType.quantizedRange), at: index)
        }
      }
    }
    return result
  }

  /// The nearest integer; sums of 32 bits, which know no range here, are kept within what float32
  /// holds of theirs.
  private static func integer(
    _ real: Float, scale: Float, zeroPoint: Int32, in range: ClosedRange<Int32>?
  ) -> Int32 {
    if let range {
      return QuantizationParameters(scale: scale, zeroPoint: zeroPoint).quantized(real, in: range)
    }
    let sum = (Double(real) / Double(scale)).rounded(.toNearestOrEven) + Double(zeroPoint)
    return sum.isNaN ? 0 : Int32(max(Double(Int32.min), min(Double(Int32.max), sum)))
  }
}
