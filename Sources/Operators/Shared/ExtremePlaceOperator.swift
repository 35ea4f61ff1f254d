import GraphIR
import Tensors

/// An operator that finds where along an axis the extreme element stands.
protocol ExtremePlaceOperator: PreparedOperator {
  /// The axis that is searched.
  var search: ExtremeSearch { get }

  /// Whether `a` is nearer to the extreme than `b`.
  func exceeds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool
}

/// The attributes of an ``ExtremePlaceOperator``.
struct ExtremeSearch: Sendable {
  /// The axis that is searched.
  let axis: Int
  /// Whether the axis stays with extent 1.
  let keepsAxis: Bool
  /// Whether the last of several equal extremes counts.
  let takesLast: Bool

  init(_ attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: 0)
    keepsAxis = try attributes.flag("keepdims", default: true)
    takesLast = opset >= 12 ? try attributes.flag("select_last_index", default: false) : false
  }
}

extension ExtremePlaceOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holdsOneOf: ElementType.numbers)
    let axis = try search.axis.axis(ofRank: x.shape.count)
    var shape = x.shape
    guard shape[axis] > 0 || x.type.count == 0 && shape.product(without: axis) == 0 else {
      throw OperatorError.shape(input: 0, found: shape, reason: "has nothing along axis \(axis)")
    }
    if search.keepsAxis { shape[axis] = 1 } else { shape.remove(at: axis) }
    return [TensorType(.int64, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let x = try site.inputs.required(0)
    let axis = try search.axis.axis(ofRank: x.shape.count)
    let (extent, inner) = (x.shape[axis], x.shape[(axis + 1)...].product)
    let outer = x.shape[..<axis].product
    return Kernel(algorithm: "") { call in
      try x.elementType.dispatch(
        ExtremeWork(
          rules: self, takesLast: search.takesLast, outer: outer, extent: extent, inner: inner,
          x: try call.input(0), y: call.outputs[0]))
    }
  }
}

extension [Int] {
  /// The product of all elements but one.
  fileprivate func product(without index: Int) -> Int {
    self[..<index].product * self[(index + 1)...].product
  }
}

/// The loop of an ``ExtremePlaceOperator`` for each type of number.
private struct ExtremeWork<Rules: ExtremePlaceOperator>: NumberWork {
  let rules: Rules
  let takesLast: Bool
  let outer: Int
  let extent: Int
  let inner: Int
  let x: TensorView
  let y: TensorView

  func whole<Element: WholeElement>(_: Element.Type) { search(Element.self) { $0 } }

  func float<Element: FloatElement>(_: Element.Type) { search(Element.self) { $0.wide } }

  @inline(__always)
  private func search<Element: BitwiseCopyable, Number: Comparable>(
    _: Element.Type, _ read: (Element) -> Number
  ) {
    let (x, y) = (x.words(as: Element.self), y.words(as: Int64.self))
    for row in 0..<outer {
      let (x, y) = (x + row * extent * inner, y + row * inner)
      for column in 0..<inner {
        var (best, place) = (read(x[column]), 0)
        for index in 1..<max(extent, 1) {
          let value = read(x[index * inner + column])
          if rules.exceeds(value, best) || takesLast && value == best {
            (best, place) = (value, index)
          }
        }
        y[column] = Int64(place)
      }
    }
  }
}
