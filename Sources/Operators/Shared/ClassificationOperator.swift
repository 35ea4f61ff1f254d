import GraphIR
import Tensors

/// An operator that classifies each float, as NaN or as infinite.
protocol ClassificationOperator: Operator, ChannelOperator {
  /// Whether a number is of the class.
  func contains(_ x: Double) -> Bool
}

extension ClassificationOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holdsOneOf: ElementType.floatingPoint)
    return [TensorType(.bool, x.shape)]
  }

  func forward(_ call: OperatorCall) throws {
    let x = try call.input(0)
    try x.elementType.dispatch(ClassificationWork(rules: self, x: x, y: call.outputs[0]))
  }
}

/// The loop of a ``ClassificationOperator`` for each type of number.
private struct ClassificationWork<Rules: ClassificationOperator>: NumberWork {
  let rules: Rules
  let x: TensorView
  let y: TensorView

  func whole<Element: WholeElement>(_: Element.Type) throws {
    throw OperatorErrors.calculation(Element.elementType)
  }

  func float<Element: FloatElement>(_: Element.Type) {
    let (values, y) = (x.words(as: Element.self), y.words(as: Bool.self))
    for index in 0..<x.count { y[index] = rules.contains(values[index].wide.double) }
  }
}

extension ClassificationOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
