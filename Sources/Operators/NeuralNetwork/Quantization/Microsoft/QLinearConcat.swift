import GraphIR
import Kernels
import Tensors

/// Quantised values joined along one axis and brought to one scale.
///
/// Inputs: y's scale and zero point, then x, its scale and zero point for each value.
struct QLinearConcat: PreparedOperator {
  static let opType = "QLinearConcat"
  static let domain = "com.microsoft"

  private let joined: Concat

  init(attributes: Attributes, opset: Int) throws {
    joined = try Concat(attributes: attributes, opset: opset)
  }

  private func slots(_ count: Int) -> DequantizedKernel {
    DequantizedKernel(
      operands: stride(from: 2, to: count - 2, by: 3).map {
        QuantizedSlots(value: $0, scale: $0 + 1, zero: $0 + 2)
      }, result: QuantizedSlots(scale: 0, zero: 1))
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    guard inputs.count >= 5, inputs.count % 3 == 2 else {
      throw OperatorError.inputCount(expected: "2 and 3 for each value", found: inputs.count)
    }
    return [try slots(inputs.count).inferType(inputs, of: joined)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try slots(site.inputs.count).kernel(site, of: joined)
  }
}

extension QLinearConcat: IntegerOperator {
  static var integerRole: IntegerRole { .function }
}
