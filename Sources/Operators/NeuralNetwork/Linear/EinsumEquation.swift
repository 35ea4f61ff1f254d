import GraphIR
import Tensors

/// An Einstein sum as text, `"ij,jk->ik"`, with the labels of each term.
struct EinsumEquation: Sendable, Equatable {
  /// The labels of one term; those before and after an ellipsis apart.
  struct Term: Sendable, Equatable {
    var before: [Character]
    /// `nil` where the term has no ellipsis.
    var after: [Character]?
  }

  let terms: [Term]
  /// The output's term; `nil` when the equation leaves it out.
  let output: Term?

  /// - Throws: ``AttributeError``.
  init(_ text: String) throws {
    let parts = text.filter { $0 != " " }.split(separator: "->", omittingEmptySubsequences: false)
    guard parts.count <= 2 else { throw Self.error(text, "has two arrows") }
    terms = try parts[0].split(separator: ",", omittingEmptySubsequences: false).map {
      try Self.term($0, text)
    }
    output = try parts.count == 2 ? Self.term(parts[1], text) : nil
  }

  private static func term(_ text: Substring, _ equation: String) throws -> Term {
    let parts = text.split(separator: "...", omittingEmptySubsequences: false)
    guard parts.count <= 2,
      parts.joined().allSatisfy({ $0.isASCII && $0.isLetter })
    else { throw error(equation, "has the term '\(text)', which is not letters about one '...'") }
    return Term(before: Array(parts[0]), after: parts.count == 2 ? Array(parts[1]) : nil)
  }

  private static func error(_ equation: String, _ reason: String) -> AttributeError {
    .invalid(name: "equation", reason: "is '\(equation)', which \(reason)")
  }
}

/// An equation with the shapes of its operands: one label for each axis.
struct EinsumLabels: Sendable {
  /// The labels of each operand's axes: letters by their code, axes of an ellipsis by negative
  /// numbers from the last.
  let terms: [[Int]]
  /// The labels of the output's axes.
  let output: [Int]
  /// The extent of each label.
  let extents: [Int: Int]

  /// - Throws: ``OperatorError`` when shapes and equation do not fit.
  init(_ equation: EinsumEquation, _ shapes: [[Int]]) throws {
    guard shapes.count == equation.terms.count else {
      throw OperatorError.inputCount(expected: "\(equation.terms.count)", found: shapes.count)
    }
    var extents: [Int: Int] = [:]
    var widest = 0
    terms = try zip(equation.terms, shapes).enumerated().map { index, pair in
      let (term, shape) = pair
      let named = term.before.count + (term.after?.count ?? 0)
      guard shape.count == named || shape.count > named && term.after != nil else {
        throw OperatorError.shape(
          input: index, found: shape, reason: "does not fit a term of \(named) labels")
      }
      widest = max(widest, shape.count - named)
      return Self.labels(term, hidden: shape.count - named)
    }
    for (index, (labels, shape)) in zip(terms, shapes).enumerated() {
      for (label, extent) in zip(labels, shape) {
        let known = extents[label] ?? extent
        guard known == extent || known == 1 || extent == 1 else {
          throw OperatorError.shape(
            input: index, found: shape, reason: "has extents unlike those of equal labels")
        }
        extents[label] = known == 1 ? extent : known
      }
    }
    self.extents = extents
    output = try Self.output(equation, terms, widest: widest)
  }

  private static func labels(_ term: EinsumEquation.Term, hidden: Int) -> [Int] {
    func codes(_ letters: [Character]) -> [Int] { letters.map { Int($0.asciiValue ?? 0) } }
    return codes(term.before) + (0..<hidden).map { $0 - hidden } + codes(term.after ?? [])
  }

  private static func output(
    _ equation: EinsumEquation, _ terms: [[Int]], widest: Int
  ) throws -> [Int] {
    let given = Set(terms.joined())
    guard let term = equation.output else {
      let letters = terms.joined().filter { $0 > 0 }
      let counts = Dictionary(letters.map { ($0, 1) }, uniquingKeysWith: +)
      return (0..<widest).map { $0 - widest } + counts.filter { $0.value == 1 }.keys.sorted()
    }
    let result = labels(term, hidden: term.after == nil ? 0 : widest)
    guard Set(result).count == result.count, given.isSuperset(of: result) else {
      throw OperatorError.unsupported(
        "an equation whose output has a label twice, or one that no input has")
    }
    return result
  }
}
