import Tensors

/// An operator with a simple effect on the distribution of the elements of each channel.
public protocol DistributionOperator: Operator {
  /// The effect on the distributions of the input's channels.
  ///
  /// - Parameter inputs: The inputs as far as they are constant.
  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow?
}

/// An effect on the distributions of channels.
public enum DistributionFlow: Sendable, Equatable {
  /// Each channel keeps the distribution that it has in input 0, or nearly.
  case kept
  /// The channels of all inputs are concatenated.
  case concatenated
  /// Each output has the channels of input 0 that follow those of the previous output: the given
  /// numbers of channels, or equal parts.
  case parted([Int]?)
  /// Each channel is the sum of those of the inputs, taken to be independent.
  case summed
}
