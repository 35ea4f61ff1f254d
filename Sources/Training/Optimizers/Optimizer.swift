/// How a gradient moves a parameter.
public struct Optimizer: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the method comes from.
  public var citation: String
  /// Tensors of state a parameter, each of its size and zero at first.
  public var slots: Int
  /// Moves a parameter by one step.
  public var update: @Sendable (OptimizerUpdate) -> Void

  /// The names of every optimiser.
  public static let names = ["sgd", "adamw"]
}

/// One parameter's part in a step of an optimiser, in memory that somebody else keeps alive.
public struct OptimizerUpdate: @unchecked Sendable {
  /// The values, altered in place.
  public var values: UnsafeMutablePointer<Float>
  /// Their gradient.
  public var gradient: UnsafePointer<Float>
  /// The optimiser's state, altered in place; as many as its ``Optimizer/slots``.
  public var state: [UnsafeMutablePointer<Float>]
  /// The number of values.
  public var count: Int
  /// Steps done before this one.
  public var step: Int
  /// The learning rate of this step.
  public var learningRate: Float
  /// The weight decay of this parameter.
  public var weightDecay: Float
  /// What the gradient is multiplied by first, to clip it.
  public var gradientScale: Float

  /// An update on the given memory.
  public init(
    values: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>,
    state: [UnsafeMutablePointer<Float>], count: Int, step: Int, learningRate: Float,
    weightDecay: Float, gradientScale: Float = 1
  ) {
    self.values = values
    self.gradient = gradient
    self.state = state
    self.count = count
    self.step = step
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.gradientScale = gradientScale
  }
}
