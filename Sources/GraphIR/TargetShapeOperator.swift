/// An operator with an input that gives the shape of its output.
///
/// For another batch size the first element of that input changes.
public protocol TargetShapeOperator: Operator {
  /// The index of the input among the node's inputs.
  static var targetShapeInput: Int { get }
  /// Whether the first extent may be the batch times the axes after it, as with an operator that
  /// keeps the number of elements.
  static var joinsBatch: Bool { get }
}

extension TargetShapeOperator {
  /// The first extent is the batch.
  public static var joinsBatch: Bool { false }
}
