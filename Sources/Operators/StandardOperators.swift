import GraphIR

/// The operators that the toolkit knows, one line each.
public enum StandardOperators {
  /// Layers of neural networks: convolution, normalisation, pooling, activation, quantisation.
  public static let neuralNetwork: [any Operator.Type] = [
    AffineGrid.self,
    Attention.self,
    AveragePool.self,
    BatchNormalization.self,
    ByteTable.self,
    Celu.self,
    Clip.self,
    Conv.self,
    ConvInteger.self,
    ConvTranspose.self,
    DeformConv.self,
    DequantizedConv.self,
    DequantizeLinear.self,
    Dropout.self,
    DynamicQuantizeLinear.self,
    Einsum.self,
    Elu.self,
    FakeQuantize.self,
    FusedConvolution.self,
    FusedQLinearConv.self,
    Gelu.self,
    Gemm.self,
    GlobalAveragePool.self,
    GlobalLpPool.self,
    GlobalMaxPool.self,
    GridSample.self,
    GroupNormalization.self,
    Hardmax.self,
    HardSigmoid.self,
    HardSwish.self,
    InstanceNormalization.self,
    LayerNormalization.self,
    LeakyRelu.self,
    LogSoftmax.self,
    LpNormalization.self,
    LpPool.self,
    LRN.self,
    MatMul.self,
    MatMulInteger.self,
    MaxPool.self,
    MeanVarianceNormalization.self,
    MicrosoftGelu.self,
    Mish.self,
    PRelu.self,
    QGemm.self,
    QLinearAdd.self,
    QLinearAveragePool.self,
    QLinearConcat.self,
    QLinearConv.self,
    QLinearGlobalAveragePool.self,
    QLinearLeakyRelu.self,
    QLinearMatMul.self,
    QLinearMul.self,
    QLinearSigmoid.self,
    QLinearSoftmax.self,
    QuantizeLinear.self,
    Relu.self,
    Resize.self,
    RMSNormalization.self,
    RoiAlign.self,
    RotaryEmbedding.self,
    Selu.self,
    Shrink.self,
    Sigmoid.self,
    Softmax.self,
    Softplus.self,
    Softsign.self,
    Swish.self,
    Tanh.self,
    ThresholdedRelu.self,
    Upsample.self,
  ]
}

extension StandardOperators {
  /// The engine's own operators, which only derivatives and training passes make.
  public static let gradients: [any Operator.Type] = [
    ActivationGradient.self,
    AveragePoolGradient.self,
    AxisMixAdjoint.self,
    BatchStatisticsGradient.self,
    BatchStatisticsNormalization.self,
    ChannelSum.self,
    ConvolutionInputGradient.self,
    ConvolutionWeightGradient.self,
    CopyAdjoint.self,
    FakeQuantizeGradient.self,
    GatherElementsGradient.self,
    GatherGradient.self,
    GatherNDGradient.self,
    GridSampleGradient.self,
    MaxPoolGradient.self,
    ProductGradient.self,
  ]
}

extension OperatorRegistry {
  /// Every operator that a model file may hold and the toolkit knows.
  public static let standard = OperatorRegistry(
    StandardOperators.neuralNetwork + StandardOperators.dataAndMath)

  /// The standard operators and those that only derivatives make; see ``withGradients``.
  public static let training = standard.withGradients

  /// These operators and those that only derivatives make.
  ///
  /// The latter trust their attributes. They are for graphs of our own making, never for those of
  /// files.
  public var withGradients: OperatorRegistry { adding(StandardOperators.gradients) }
}
