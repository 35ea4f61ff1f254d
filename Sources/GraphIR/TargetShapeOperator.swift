/// An operator that is told the shape of its output by an input.
///
/// For a batch of another size the first extent of that input is another.
public protocol TargetShapeOperator: Operator {
  /// The index of the input among the node's inputs.
  static var targetShapeInput: Int { get }
  /// Whether the first extent may be the batch times axes that follow it, as of an operator that
  /// keeps the number of elements.
  static var joinsBatch: Bool { get }
}

extension TargetShapeOperator {
  /// The first extent is the batch.
  public static var joinsBatch: Bool { false }
}
