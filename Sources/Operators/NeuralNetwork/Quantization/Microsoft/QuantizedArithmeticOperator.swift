import GraphIR
import Kernels
import Tensors

/// A sum or product of two quantised values, quantised again; operands broadcast.
///
/// Inputs: a, its scale and zero point, b, its scale and zero point, y's scale and zero point.
protocol QuantizedArithmeticOperator: PreparedOperator, IntegerOperator {
  static var operation: QuantizedCombination.Operation { get }
}

extension QuantizedArithmeticOperator {
  static var domain: String { "com.microsoft" }
  static var integerRole: IntegerRole { .function }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(7...8)
    let a = try QuantizedSlots(value: 0, scale: 1, zero: 2).check(inputs)
    let b = try QuantizedSlots(value: 3, scale: 4, zero: 5).check(inputs)
    try inputs.required(6).check(6, holds: .float32)
    try inputs.required(6).checkOneNumber(6)
    if let zero = inputs.optional(7) {
      try zero.check(7, holds: .uint8, .int8)
      try zero.checkOneNumber(7)
    }
    return [
      try TensorType(
        checking: inputs.optional(7)?.elementType ?? a.elementType,
        try Broadcasting.shape([a.shape, b.shape]))
    ]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (a, b) = (try site.inputs.required(0), try site.inputs.required(3))
    let output = site.outputs[0]
    let loop = BroadcastLoop(output: output.shape, a.shape, b.shape)
    let (signedA, signedB) = (a.elementType == .int8, b.elementType == .int8)
    return Kernel(algorithm: "int8") { call in
      guard let a = call.inputs[0], let b = call.inputs[3] else { return }
      let combination = QuantizedCombination(
        Self.operation, QuantizedSlots(scale: 1, zero: 2).quantity(call, isSigned: signedA),
        QuantizedSlots(scale: 4, zero: 5).quantity(call, isSigned: signedB),
        into: QuantizedSlots(scale: 6, zero: 7).quantity(
          call, isSigned: output.elementType == .int8))
      let steps = loop.steps
      loop.forEachRow(pool: call.pool) { row in
        combination.run(
          a.base + row.a, step: steps.a, b.base + row.b, step: steps.b,
          to: call.outputs[0].base + row.output, count: row.count)
      }
    }
  }
}
