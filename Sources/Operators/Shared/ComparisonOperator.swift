import GraphIR
import Tensors

/// An operator that compares two numbers of one type, operands broadcast to one shape.
protocol ComparisonOperator: PreparedOperator, ChannelOperator {
  /// The element types that are compared.
  static var elementTypes: [ElementType] { get }

  /// Whether the relation holds.
  func holds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool
}

extension ComparisonOperator {
  static var elementTypes: [ElementType] { ElementType.numbers }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (a, b) = (try inputs.required(0), try inputs.required(1))
    try a.check(0, holdsOneOf: Self.elementTypes)
    try b.check(1, holds: a.elementType)
    return [try TensorType(checking: .bool, try Broadcasting.shape([a.shape, b.shape]))]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (a, b) = (try site.inputs.required(0), try site.inputs.required(1))
    let loop = BroadcastLoop(output: site.outputs[0].shape, a.shape, b.shape)
    let type = a.elementType == .bool ? .uint8 : a.elementType
    return Kernel(algorithm: "") { call in
      try type.dispatch(
        ComparisonWork(
          rules: self, a: try call.input(0), b: try call.input(1), y: call.outputs[0], loop: loop,
          pool: call.pool))
    }
  }
}

/// The loop of a ``ComparisonOperator`` for each type of number.
private struct ComparisonWork<Rules: ComparisonOperator>: NumberWork {
  let rules: Rules
  let a: TensorView
  let b: TensorView
  let y: TensorView
  let loop: BroadcastLoop
  let pool: ThreadPool

  func whole<Element: WholeElement>(_: Element.Type) {
    let (a, b) = (a.words(as: Element.self), b.words(as: Element.self))
    let (y, steps) = (y.words(as: Bool.self), loop.steps)
    loop.forEachRow(pool: pool) { row in
      for index in 0..<row.count {
        y[row.output + index] = rules.holds(
          a[row.a + index * steps.a], b[row.b + index * steps.b])
      }
    }
  }

  func float<Element: FloatElement>(_: Element.Type) {
    let (a, b) = (a.words(as: Element.self), b.words(as: Element.self))
    let (y, steps) = (y.words(as: Bool.self), loop.steps)
    loop.forEachRow(pool: pool) { row in
      for index in 0..<row.count {
        y[row.output + index] = rules.holds(
          a[row.a + index * steps.a].wide, b[row.b + index * steps.b].wide)
      }
    }
  }
}

extension ComparisonOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
