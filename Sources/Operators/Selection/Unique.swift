import GraphIR
import Tensors

/// The different elements, or the different slices along an axis, each once.
///
/// Outputs: them, in ascending order or (`sorted` 0) that of their first places; those places; for
/// each element the one it equals; how often each is there.
struct Unique: Operator {
  static let opType = "Unique"

  let axis: Int?
  let isSorted: Bool

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis")
    isSorted = try attributes.flag("sorted", default: true)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holdsOneOf: ElementType.numbers + [.bool])
    if let axis { _ = try axis.axis(ofRank: x.shape.count) }
    return nil
  }

  func forward(_ call: OperatorCall) throws { throw OperatorErrors.dynamicTypes }

  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    _ = try inferTypes(inputs.map { $0.map { Operand(constant: $0) } })
    guard let x = inputs[0] else { return [] }
    let axis = try axis?.axis(ofRank: x.shape.count)
    let shape = axis == nil ? [x.count] : x.shape
    let place = axis ?? 0
    let inner = shape[(place + 1)...].product
    let (count, outer) = (shape[place], shape[..<place].product)
    // What a slice is made of, in order.
    let offsets = (0..<outer).flatMap { row in (0..<inner).map { row * count * inner + $0 } }
    let type = x.elementType == .bool ? .uint8 : x.elementType
    let groups = try withExtendedLifetime(x) {
      try type.dispatch(
        UniqueWork(x: x.view, count: count, inner: inner, offsets: offsets, isSorted: isSorted))
    }
    var kept = shape
    kept[place] = groups.count
    let y = Tensor(uninitialized: TensorType(x.elementType, kept))
    let bytes = x.elementType.byteCount(of: 1) * inner
    for row in 0..<outer {
      for (index, group) in groups.enumerated() {
        (y.view.base + (row * groups.count + index) * bytes).copyMemory(
          from: x.view.base + (row * count + group[0]) * bytes, byteCount: bytes)
      }
    }
    var inverse = [Int64](repeating: 0, count: count)
    for (index, group) in groups.enumerated() {
      for member in group { inverse[member] = Int64(index) }
    }
    return [
      y, Tensor(groups.map { Int64($0[0]) }), Tensor(inverse),
      Tensor(groups.map { Int64($0.count) }),
    ]
  }
}

/// Finds equal slices for each type of number: groups of their places, each ascending.
private struct UniqueWork: NumberWork {
  let x: TensorView
  let count: Int
  let inner: Int
  let offsets: [Int]
  let isSorted: Bool

  func whole<Element: WholeElement>(_: Element.Type) -> [[Int]] {
    let elements = x.words(as: Element.self)
    return groups { Int.compare(elements[$0], elements[$1]) }
  }

  func float<Element: FloatElement>(_: Element.Type) -> [[Int]] {
    let elements = x.words(as: Element.self)
    return groups { Int.compare(elements[$0].wide, elements[$1].wide) }
  }

  private func groups(_ order: (Int, Int) -> Int) -> [[Int]] {
    func compare(_ a: Int, _ b: Int) -> Int {
      for offset in offsets {
        let result = order(a * inner + offset, b * inner + offset)
        if result != 0 { return result }
      }
      return 0
    }
    let sorted = (0..<count).sorted { a, b in
      let result = compare(a, b)
      return result == 0 ? a < b : result < 0
    }
    var groups: [[Int]] = []
    for place in sorted {
      if let last = groups.last, compare(last[0], place) == 0 {
        groups[groups.count - 1].append(place)
      } else {
        groups.append([place])
      }
    }
    return isSorted ? groups : groups.sorted { $0[0] < $1[0] }
  }
}

extension Int {
  /// −1, 0 or 1 as the first is less, equal or greater; NaN equals NaN and is the greatest.
  fileprivate static func compare<Value: Comparable>(_ a: Value, _ b: Value) -> Int {
    if a < b { return -1 }
    if a > b { return 1 }
    if a == b { return 0 }
    return (a == a ? -1 : 0) + (b == b ? 1 : 0)
  }
}
