import Tensors

/// An operator that computes float weights from the stored integers of input 0 and the scales in
/// its other inputs, as `DequantizeLinear` does.
public protocol DecodingOperator: Operator {
  /// The axis of input 0 along which the other inputs vary; `nil` when they are scalars.
  ///
  /// - Throws: ``OperatorError`` when they vary in another way than by one number for each index of
  ///   an axis.
  func scaleAxis(_ inputs: [Tensor?]) throws -> Int?

  /// What to store so that the node computes these floats, as closely as its scales allow.
  ///
  /// - Parameter inputs: The node's inputs; of input 0 only the element type is used.
  func encode(_ numbers: Tensor, inputs: [Tensor?]) throws -> Tensor
}
