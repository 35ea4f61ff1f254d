import GraphIR

/// ``Softmax`` of a quantised value, under the rules of the operator set that `opset` names.
///
/// Inputs: x, its scale and zero point, y's scale and zero point.
struct QLinearSoftmax: DequantizedOperator {
  static let opType = "QLinearSoftmax"
  static let domain = "com.microsoft"

  let numbers: any Operator
  let slots = DequantizedKernel.unary

  init(attributes: Attributes, opset: Int) throws {
    let version = try attributes.requiredInt("opset")
    numbers = try Softmax(attributes: attributes, opset: version)
  }
}

extension QLinearSoftmax: IntegerOperator {
  static var integerRole: IntegerRole { .function }
}
