import GraphIR

/// ``GlobalAveragePool`` of a quantised value.
///
/// Inputs: x, its scale and zero point, y's scale and zero point. Only NCHW is supported.
struct QLinearGlobalAveragePool: DequantizedOperator {
  static let opType = "QLinearGlobalAveragePool"
  static let domain = "com.microsoft"

  let numbers: any Operator
  let slots = DequantizedKernel.unary

  init(attributes: Attributes, opset: Int) throws {
    try attributes.refuseChannelsLast()
    numbers = GlobalAveragePool(attributes: [:], opset: opset)
  }
}

extension QLinearGlobalAveragePool: IntegerOperator {
  static var integerRole: IntegerRole { .function }
}
