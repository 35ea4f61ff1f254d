import GraphIR
import Kernels
import Tensors

/// Integers for floats: `q = round(x / scale) + zeroPoint`, ties to even, kept within the type.
///
/// Inputs: x, scale and optionally the zero point, whose type is the output's. Scales are one
/// number, one for each index of `axis`, or one for each block of `block_size` along it.
struct QuantizeLinear: Operator {
  static let opType = "QuantizeLinear"

  let rule: QuantizationRule
  let outputType: ElementType?

  init(attributes: Attributes, opset: Int) throws {
    rule = try QuantizationRule(attributes)
    outputType = try Self.elementType(attributes.int("output_dtype", default: 0))
  }

  /// The type with ONNX's number; `nil` for 0.
  private static func elementType(_ number: Int) throws -> ElementType? {
    switch number {
    case 0: nil
    case 2: .uint8
    case 3: .int8
    case 4: .uint16
    case 5: .int16
    case 21: .uint4
    case 22: .int4
    default:
      throw AttributeError.invalid(
        name: "output_dtype", reason: "is \(number), only integers up to 16 bits are supported")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let x = try inputs.required(0)
    try x.check(0, holds: .float32)
    let type = inputs.optional(2)?.elementType ?? outputType ?? .uint8
    guard type.quantizedRange != nil, outputType == nil || outputType == type else {
      throw OperatorError.elementType(
        input: 2, expected: outputType?.rawValue ?? "an integer up to 16 bits", found: type)
    }
    _ = try rule.layout(inputs, quantized: type)
    return [TensorType(type, x.shape)]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0], let scales = call.inputs[1]?.elements(as: Float.self),
      let source = x.elements(as: Float.self).baseAddress,
      let range = call.outputs[0].elementType.quantizedRange
    else { return }
    let layout = try rule.layout(x: x.shape, scale: call.inputs[1]?.shape ?? [])
    let zeros = call.optional(2).map { QuantizedView($0) }
    let target = QuantizedView(call.outputs[0])
    let isSigned = call.outputs[0].elementType == .int8
    // Two 4-bit elements share a byte, which two threads must not write.
    let pool = target.isByte || range.count > 16 ? call.pool : ThreadPool(threads: 1)
    layout.forEachRun(pool: pool) { run in
      if run.step == 0, target.isByte {
        let parameters = QuantizationParameters(
          scale: scales[run.scale], zeroPoint: zeros?[run.scale] ?? 0)
        let first = run.elements.lowerBound
        if layout.hasOneRun {
          QuantizedElements.quantize(
            source, to: call.outputs[0].base, count: run.elements.count, parameters,
            isSigned: isSigned, pool: call.pool)
        } else {
          QuantizedElements.quantizeRun(
            source + first, to: call.outputs[0].base + first, count: run.elements.count, parameters,
            isSigned: isSigned)
        }
        return
      }
      for (place, index) in run.elements.enumerated() {
        let scale = run.scale + run.step * place
        let parameters = QuantizationParameters(
          scale: scales[scale], zeroPoint: zeros?[scale] ?? 0)
        target.store(parameters.quantized(source[index], in: range), at: index)
      }
    }
  }
}

extension QuantizeLinear: IntegerOperator {
  static var integerRole: IntegerRole { .quantizer }
}

extension QuantizeLinear: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    rule.channelFlow(inputs)
  }
}
