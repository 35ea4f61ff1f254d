import GraphIR
import Kernels
import Tensors

/// What a table makes of each byte: any function of a quantised value.
///
/// The engine's own operator, which only its rewrites make; files never hold it. Inputs: x of 8-bit
/// integers, and the table `[256]` by the byte's bits, whose type is the output's.
struct ByteTable: PreparedOperator {
  static let opType = "ByteTable"
  static let domain = "compress"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, table) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .uint8, .int8)
    try table.check(1, holds: .uint8, .int8)
    try table.check(1, shape: [256], "the table")
    return [TensorType(table.elementType, x.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    Kernel(algorithm: "table") { call in
      guard let x = call.inputs[0], let table = call.inputs[1] else { return }
      QuantizedElements.lookUp(
        x.base, in: table.base, to: call.outputs[0].base, count: x.count, pool: call.pool)
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }
}

extension ByteTable: IntegerOperator {
  static var integerRole: IntegerRole { .function }
}
