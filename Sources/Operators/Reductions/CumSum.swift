import GraphIR
import Tensors

/// The running sum along the axis that the second input names.
///
/// `exclusive` leaves each element out of its own sum, `reverse` sums from the end.
struct CumSum: PreparedOperator, DifferentiableOperator {
  static let opType = "CumSum"

  let isExclusive: Bool
  let isReversed: Bool

  init(attributes: Attributes, opset: Int) throws {
    isExclusive = try attributes.flag("exclusive", default: false)
    isReversed = try attributes.flag("reverse", default: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let x = try inputs.required(0)
    try x.check(0, holdsOneOf: ElementType.numbers)
    if let axis = try inputs.required(1).constantInteger(1) {
      _ = try axis.axis(ofRank: x.shape.count)
    }
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    Kernel(algorithm: "") { call in
      let (x, y) = (try call.input(0), call.outputs[0])
      let axis = try call.input(1).integer(at: 0).axis(ofRank: x.shape.count)
      try x.elementType.dispatch(
        CumSumWork(
          outer: x.shape[..<axis].product, extent: x.shape[axis],
          inner: x.shape[(axis + 1)...].product, isExclusive: isExclusive, isReversed: isReversed,
          x: x, y: y))
    }
  }

  /// Carries the gradient back: the sum from the other end.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    var attributes = derivation.node.attributes
    attributes["reverse"] = .int(try attributes.flag("reverse", default: false) ? 0 : 1)
    return [
      derivation("CumSum", derivation.gradient(), derivation.input(1), attributes: attributes), nil,
    ]
  }
}

/// The loop of `CumSum` for each type of number.
private struct CumSumWork: NumberWork {
  let outer: Int
  let extent: Int
  let inner: Int
  let isExclusive: Bool
  let isReversed: Bool
  let x: TensorView
  let y: TensorView

  func whole<Element: WholeElement>(_: Element.Type) {
    run(Element.self, zero: 0) { $0 &+ $1 }
  }

  func float<Element: FloatElement>(_: Element.Type) {
    run(Element.self, zero: Element(wide: 0)) { Element(wide: $0.wide + $1.wide) }
  }

  @inline(__always)
  private func run<Element: BitwiseCopyable>(
    _: Element.Type, zero: Element, _ add: (Element, Element) -> Element
  ) {
    let (x, y) = (x.words(as: Element.self), y.words(as: Element.self))
    let step = isReversed ? -inner : inner
    for row in 0..<outer {
      for column in 0..<inner {
        var place = row * extent * inner + column + (isReversed ? (extent - 1) * inner : 0)
        var sum = zero
        for _ in 0..<extent {
          let next = add(sum, x[place])
          y[place] = isExclusive ? sum : next
          sum = next
          place += step
        }
      }
    }
  }
}
