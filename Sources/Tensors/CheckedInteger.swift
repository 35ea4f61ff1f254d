/// An integer of a size computation.
///
/// Once a step overflows, everything computed from it counts as overflowed.
///
/// Sizes come from files and options, and no order of additions and products of them may trap. The
/// result of a chain of operators is checked once, at its end.
public struct CheckedInteger: Sendable, Equatable, ExpressibleByIntegerLiteral {
  /// The number; `nil` when it, or a number it was computed from, does not fit into 64 bits.
  public let value: Int?

  private init(exactly value: Int?) { self.value = value }

  /// A number that is known.
  public init(_ value: Int) { self.value = value }

  /// A number given in the source.
  public init(integerLiteral value: Int) { self.value = value }

  /// A float rounded towards zero.
  ///
  /// NaN, infinity and values beyond 64 bits count as overflowed.
  public init(_ real: Double) { value = Int(exactly: real.rounded(.towardZero)) }

  /// The number, or `Int.max` on overflow: for counts that are only reported or compared.
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

  /// The quotient, rounded towards zero.
  ///
  /// Division by zero counts as overflow.
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
