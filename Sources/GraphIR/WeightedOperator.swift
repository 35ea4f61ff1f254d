/// An operator that multiplies activations by a constant matrix or filter bank.
///
/// Weights can be pruned, quantised and factorised because operators declare where they are.
public protocol WeightedOperator: Operator {
  /// The inputs that hold weights when they are constant.
  var weightSlots: [WeightSlot] { get }
}

/// One input of a ``WeightedOperator`` that may hold weights.
public struct WeightSlot: Sendable, Equatable {
  /// The index among the node's inputs.
  public var input: Int
  /// The axis of the weight that output channels run along; negative counts from the end.
  public var outputAxis: Int
  /// The axis of the weight that input channels run along; negative counts from the end.
  public var inputAxis: Int

  /// A weight with its two channel axes.
  public init(input: Int, outputAxis: Int, inputAxis: Int) {
    self.input = input
    self.outputAxis = outputAxis
    self.inputAxis = inputAxis
  }
}
