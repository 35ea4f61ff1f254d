import GraphIR

/// The index of the smallest element along an axis; of equal ones the first, or the last on
/// request.
struct ArgMin: ExtremePlaceOperator {
  static let opType = "ArgMin"

  let search: ExtremeSearch

  init(attributes: Attributes, opset: Int) throws {
    search = try ExtremeSearch(attributes, opset: opset)
  }

  func exceeds<Number: Comparable>(_ a: Number, _ b: Number) -> Bool { a < b }
}
