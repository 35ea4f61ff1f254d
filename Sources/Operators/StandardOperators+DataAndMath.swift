import GraphIR

extension StandardOperators {
  /// Operators that move data or calculate element by element.
  public static let dataAndMath: [any Operator.Type] = []
}
