/// A rule that updates a parameter from its gradient.
public struct Optimizer: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the method comes from.
  public var citation: String
  /// The number of state tensors for each parameter, each of its size and zero at first.
  public var slots: Int
  /// Updates a parameter by one step.
  public var update: @Sendable (OptimizerUpdate) -> Void

  /// The names of every optimiser.
  public static let names = ["sgd", "adamw"]
}

/// The update of one parameter in a step, on memory that the caller keeps alive.
public struct OptimizerUpdate: @unchecked Sendable {
  /// The values, altered in place.
  public var values: UnsafeMutablePointer<Float>
  /// Their gradient.
  public var gradient: UnsafePointer<Float>
  /// The optimiser's ``Optimizer/slots`` state tensors, altered in place.
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
