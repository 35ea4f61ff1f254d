import GraphIR

/// The index of the largest element along an axis; of equal ones the first, or the last on request.
struct ArgMax: ExtremePlaceOperator {
  static let opType = "ArgMax"

  let search: ExtremeSearch

  init(attributes: Attributes, opset: Int) throws {
    search = try ExtremeSearch(attributes, opset: opset)
  }

  func exceeds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a > b }
}
