import GraphIR

/// The operators that the toolkit knows, one line each.
public enum StandardOperators {
  /// Layers of neural networks: convolution, normalisation, pooling, activation, quantisation.
  public static let neuralNetwork: [any Operator.Type] = [
    BatchNormalization.self,
    Celu.self,
    Clip.self,
    Dropout.self,
    Elu.self,
    Gelu.self,
    GroupNormalization.self,
    HardSigmoid.self,
    HardSwish.self,
    InstanceNormalization.self,
    LayerNormalization.self,
    LeakyRelu.self,
    LRN.self,
    MicrosoftGelu.self,
    Mish.self,
    PRelu.self,
    Relu.self,
    Resize.self,
    Selu.self,
    Sigmoid.self,
    Softplus.self,
    Softsign.self,
    Swish.self,
    Tanh.self,
    ThresholdedRelu.self,
    Upsample.self,
  ]
}

extension OperatorRegistry {
  /// Every operator that the toolkit knows.
  public static let standard = OperatorRegistry(
    StandardOperators.neuralNetwork + StandardOperators.dataAndMath)
}
