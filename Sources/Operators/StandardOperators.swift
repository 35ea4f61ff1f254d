import GraphIR

/// The operators that the toolkit knows, one line each.
public enum StandardOperators {
  /// Layers of neural networks: convolution, normalisation, pooling, activation, quantisation.
  public static let neuralNetwork: [any Operator.Type] = []
}

extension OperatorRegistry {
  /// Every operator that the toolkit knows.
  public static let standard = OperatorRegistry(
    StandardOperators.neuralNetwork + StandardOperators.dataAndMath)
}
