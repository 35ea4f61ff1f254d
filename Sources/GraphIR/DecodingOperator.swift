import Tensors

/// An operator that makes reals of the numbers that weights are stored as in input 0, by the scales in its other inputs.
public protocol DecodingOperator: Operator {
  /// The axis of input 0 that the other inputs run along; `nil` when they are single numbers.
  ///
  /// - Throws: ``OperatorError`` when they run along it in another way than one number for each index.
  func scaleAxis(_ inputs: [Tensor?]) throws -> Int?

  /// What to store so that the node makes these reals, as near as its scales allow.
  ///
  /// - Parameter inputs: The node's inputs; of input 0 the type of elements alone is looked at.
  func encode(_ reals: Tensor, inputs: [Tensor?]) throws -> Tensor
}
