/// An operator each of whose output elements depends on the same element of the inputs alone, as
/// far as these are not constant.
///
/// On a value with few different elements, for example 8-bit integers, it can be a table.
public protocol ElementwiseOperator: Operator {
  /// Whether `f(s x) = s f(x)` for every `s > 0`, so that channels can be scaled across it.
  static var isPositivelyHomogeneous: Bool { get }
}

extension ElementwiseOperator {
  /// Not positively homogeneous, as far as known.
  public static var isPositivelyHomogeneous: Bool { false }
}
