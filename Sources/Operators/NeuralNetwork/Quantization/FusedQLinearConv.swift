import GraphIR
import Kernels
import Tensors

/// A ``QLinearConv`` and the table that its bytes go through.
///
/// The engine's own operator, which only its rewrites make; files never hold it. Inputs: those of
/// ``QLinearConv``, the bias possibly left out, then the table `[256]`, whose type is the output's;
/// see ``ByteTable``.
struct FusedQLinearConv: PreparedOperator, CostedOperator {
  static let opType = "FusedQLinearConv"
  static let domain = "compress"

  private let convolution: QLinearConv

  init(attributes: Attributes, opset: Int) throws {
    convolution = try QLinearConv(attributes: attributes, opset: opset)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(10...10)
    let table = try inputs.required(9)
    try table.check(9, holds: .uint8, .int8)
    try table.check(9, shape: [256], "the table")
    let types = try convolution.inferTypes(Array(inputs.dropLast()))
    return types?.map { TensorType(table.elementType, $0.shape) }
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try convolution.kernel(site, table: 9)
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    convolution.macs(inputs: inputs, outputs: outputs)
  }
}

extension FusedQLinearConv: IntegerOperator {
  static var integerRole: IntegerRole { .layer }
}
