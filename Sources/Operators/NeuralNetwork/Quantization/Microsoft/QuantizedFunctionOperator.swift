import GraphIR
import Kernels
import Tensors

/// A function of each element of a quantised value, quantised again: a table of 256 bytes.
///
/// Inputs: x, its scale and zero point, y's scale and zero point.
protocol QuantizedFunctionOperator: PreparedOperator, IntegerOperator {
  /// The function.
  func value(_ x: Float) -> Float
}

extension QuantizedFunctionOperator {
  static var domain: String { "com.microsoft" }
  static var integerRole: IntegerRole { .function }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(4...5)
    let x = try QuantizedSlots(value: 0, scale: 1, zero: 2).check(inputs)
    try inputs.required(3).check(3, holds: .float32)
    try inputs.required(3).checkOneNumber(3)
    if let zero = inputs.optional(4) {
      try zero.check(4, holds: x.elementType)
      try zero.checkOneNumber(4)
    }
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let isSigned = try site.inputs.required(0).elementType == .int8
    return Kernel(algorithm: "table", scratchBytes: 256) { call in
      guard let x = call.inputs[0] else { return }
      let from = call.parameters(scale: 1, zeroPoint: 2)
      let to = call.parameters(scale: 3, zeroPoint: 4)
      for byte in 0..<256 {
        let whole = isSigned ? Int32(Int8(truncatingIfNeeded: byte)) : Int32(byte)
        let result = to.quantized(value(from.float(whole)), in: isSigned ? -128...127 : 0...255)
        call.scratch.storeBytes(
          of: UInt8(truncatingIfNeeded: result), toByteOffset: byte, as: UInt8.self)
      }
      QuantizedElements.lookUp(
        x.base, in: call.scratch, to: call.outputs[0].base, count: x.count, pool: call.pool)
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }
}
