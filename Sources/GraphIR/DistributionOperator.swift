import Tensors

/// An operator that is known to do something simple to how the elements of each channel are
/// distributed.
public protocol DistributionOperator: Operator {
  /// What becomes of the distributions of the input's channels.
  ///
  /// - Parameter inputs: The inputs as far as they are constant.
  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow?
}

/// What becomes of the distributions of channels.
public enum DistributionFlow: Sendable, Equatable {
  /// Each channel keeps the distribution that it has in input 0, or nearly.
  case kept
  /// The channels of all inputs stand side by side.
  case concatenated
  /// Each output has the channels of input 0 that follow those of the output before: so many, or
  /// equal parts.
  case parted([Int]?)
  /// Each channel is the sum of those of the inputs, taken to be independent.
  case summed
}
