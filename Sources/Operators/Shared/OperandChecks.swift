import GraphIR
import Tensors

extension [Operand?] {
  /// The operand at a place that must not be left empty.
  ///
  /// - Throws: ``OperatorError/inputCount(expected:found:)`` when it is missing.
  func required(_ index: Int) throws -> Operand {
    guard let operand = optional(index) else {
      throw OperatorError.inputCount(
        expected: "at least \(index + 1)", found: prefix(index).count { $0 != nil })
    }
    return operand
  }

  /// The operand at a place that may be left empty.
  func optional(_ index: Int) -> Operand? { indices.contains(index) ? self[index] : nil }

  /// Refuses more or fewer inputs than the operator takes.
  func checkCount(_ range: ClosedRange<Int>) throws {
    guard range.contains(count) else {
      let expected =
        range.lowerBound == range.upperBound
        ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
      throw OperatorError.inputCount(expected: expected, found: count)
    }
  }
}

extension Operand {
  /// Refuses element types the operator does not compute with.
  func check(_ input: Int, holds types: ElementType...) throws {
    guard types.contains(elementType) else {
      throw OperatorError.elementType(
        input: input, expected: types.map(\.rawValue).joined(separator: " or "),
        found: elementType)
    }
  }

  /// Refuses ranks the operator does not compute with.
  func check(_ input: Int, rank: ClosedRange<Int>) throws {
    guard rank.contains(shape.count) else {
      let expected =
        rank.lowerBound == rank.upperBound
        ? "\(rank.lowerBound)" : "\(rank.lowerBound) to \(rank.upperBound)"
      throw OperatorError.shape(
        input: input, found: shape, reason: "has \(shape.count) axes, expected \(expected)")
    }
  }

  /// Refuses another shape than the expected one.
  func check(_ input: Int, shape expected: [Int], _ what: String) throws {
    guard shape == expected else {
      throw OperatorError.shape(
        input: input, found: shape, reason: "does not fit, \(what) must have shape \(expected)")
    }
  }
}

extension Int {
  /// The index of an axis that may be counted from the end.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when there is no such axis.
  func axis(ofRank rank: Int) throws -> Int {
    guard self >= -rank, self < rank else {
      throw OperatorError.unsupported("axis \(self) of a value of \(rank) axes")
    }
    return self < 0 ? self + rank : self
  }
}
