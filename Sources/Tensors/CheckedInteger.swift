/// An integer of a size computation: once a step does not fit, all that follow from it do not.
///
/// Sizes come from files and options, and no order of additions and products of theirs may trap.
/// What a chain of operators gives is asked for once, at its end.
public struct CheckedInteger: Sendable, Equatable, ExpressibleByIntegerLiteral {
  /// The number; `nil` when it or a number it was made of does not fit into 64 bits.
  public let value: Int?

  private init(exactly value: Int?) { self.value = value }

  /// A number that is known.
  public init(_ value: Int) { self.value = value }

  /// A number of the source.
  public init(integerLiteral value: Int) { self.value = value }

  /// A float number cut towards zero; NaN, infinity and what lies beyond 64 bits do not fit.
  public init(_ real: Double) { value = Int(exactly: real.rounded(.towardZero)) }

  /// The number, or the largest there is: for counts that are only reported or compared.
  public var clamped: Int { value ?? .max }

  /// The sum.
  public static func + (a: CheckedInteger, b: CheckedInteger) -> CheckedInteger {
    combined(a, b) { $0.addingReportingOverflow($1) }
  }

  /// The difference.
  public static func - (a: CheckedInteger, b: CheckedInteger) -> CheckedInteger {
    combined(a, b) { $0.subtractingReportingOverflow($1) }
  }

  /// The product.
  public static func * (a: CheckedInteger, b: CheckedInteger) -> CheckedInteger {
    combined(a, b) { $0.multipliedReportingOverflow(by: $1) }
  }

  /// The quotient, cut towards zero; one by zero does not fit.
  public static func / (a: CheckedInteger, b: CheckedInteger) -> CheckedInteger {
    combined(a, b) { $0.dividedReportingOverflow(by: $1) }
  }

  private static func combined(
    _ a: CheckedInteger, _ b: CheckedInteger,
    _ step: (Int, Int) -> (partialValue: Int, overflow: Bool)
  ) -> CheckedInteger {
    guard let a = a.value, let b = b.value else { return CheckedInteger(exactly: nil) }
    let (result, overflows) = step(a, b)
    return CheckedInteger(exactly: overflows ? nil : result)
  }
}

extension Sequence<Int> {
  /// The product of all elements; 1 when there are none.
  public var checkedProduct: CheckedInteger { reduce(1) { $0 * CheckedInteger($1) } }

  /// The sum of all elements; 0 when there are none.
  public var checkedSum: CheckedInteger { reduce(0) { $0 + CheckedInteger($1) } }
}
