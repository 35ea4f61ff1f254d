import GraphIR

extension Operator {
  /// Whether each element of the output depends on the same element of the inputs alone, as far as these are not constant.
  public var isElementwise: Bool {
    self is any ActivationOperator || self is any UnaryMathOperator
      || self is any ArithmeticOperator
      || self is Clip
  }
}
