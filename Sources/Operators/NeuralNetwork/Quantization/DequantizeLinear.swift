import GraphIR
import Kernels
import Tensors

/// The reals that integers stand for: `scale × (q − zeroPoint)`.
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
        target[index] = parameters.real(source[index])
      }
    }
  }
}
