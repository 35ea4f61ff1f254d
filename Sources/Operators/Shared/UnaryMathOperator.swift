import GraphIR
import Tensors

/// An operator that maps each float of its one input by itself, in place where possible.
protocol UnaryMathOperator: ElementwiseOperator, ChannelOperator {
  /// The element types that are calculated with.
  static var elementTypes: [ElementType] { get }

  /// The value at a float; asked for only when ``elementTypes`` has float types.
  func float<Number: WideFloat>(_ x: Number) -> Number
  /// The value at an integer; asked for only when ``elementTypes`` has integer types.
  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number
}

extension UnaryMathOperator {
  static var elementTypes: [ElementType] { ElementType.floatingPoint }

  func float<Number: WideFloat>(_ x: Number) -> Number { x }

  func whole<Number: FixedWidthInteger>(_ x: Number) -> Number { x }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holdsOneOf: Self.elementTypes)
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    let work = UnaryMathWork(rules: self, x: try call.input(0), y: call.outputs[0], pool: call.pool)
    try work.x.elementType.dispatch(work)
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }
}

/// The loop of a ``UnaryMathOperator`` for each type of number.
private struct UnaryMathWork<Rules: UnaryMathOperator>: NumberWork {
  let rules: Rules
  let x: TensorView
  let y: TensorView
  let pool: ThreadPool

  func whole<Element: WholeElement>(_: Element.Type) {
    let (x, y) = (x.words(as: Element.self), y.words(as: Element.self))
    ElementLoop.forEachPart(self.x.count, pool: pool) { range in
      for index in range { y[index] = rules.whole(x[index]) }
    }
  }

  func float<Element: FloatElement>(_: Element.Type) {
    let (x, y) = (x.words(as: Element.self), y.words(as: Element.self))
    ElementLoop.forEachPart(self.x.count, pool: pool) { range in
      for index in range { y[index] = Element(wide: rules.float(x[index].wide)) }
    }
  }
}

extension UnaryMathOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
