/// How a network is trained, apart from model, loss and data.
public struct TrainingConfiguration: Codable, Sendable, Equatable {
  /// Passes over the images.
  public var epochs = 50
  /// Images per batch.
  public var batchSize = 16
  /// Batches whose gradients are averaged for one step of the optimiser.
  public var accumulation = 1
  /// The name of the ``Optimizer``.
  public var optimizer = "sgd"
  /// SGD's momentum, and Adam's β₁.
  public var momentum: Float = 0.9
  /// Whether SGD uses Nesterov momentum.
  public var nesterov = true
  /// The learning rate after warm-up.
  public var learningRate = 0.01
  /// The name of the ``LearningRateSchedule``.
  public var schedule = "cosine"
  /// What the learning rate is multiplied by at the end.
  public var finalFactor = 0.01
  /// Epochs in which the learning rate rises from 0; at most a tenth of all steps.
  public var warmupEpochs = 3.0
  /// Weight decay of weights; biases and normalisations have none.
  public var weightDecay: Float = 5e-4
  /// Strength of the ``L1Penalty`` on weights.
  public var l1: Float = 0
  /// The largest norm of all gradients together; `nil` for no limit.
  public var clipNorm: Double? = 10
  /// Decay of the moving average of the weights.
  ///
  /// The average is what is validated and kept; `nil` for the weights themselves.
  public var averageDecay: Double? = 0.999
  /// Whether batch normalisations keep their stored statistics.
  public var freezesNormalization = false
  /// The weight of a batch in the running statistics.
  public var normalizationMomentum: Float = 0.03
  /// Whether activations are computed again in the backward pass instead of kept.
  public var recomputes = false
  /// Epochs between validations.
  public var validationInterval = 1
  /// Epochs without improvement after which training ends; `nil` for never.
  public var patience: Int?

  /// The defaults.
  public init() {}

  /// Sets up one pass that computes gradients and leaves every weight as it is.
  public mutating func standStill() {
    (epochs, learningRate, weightDecay, l1) = (1, 0, 0, 0)
    (optimizer, momentum, averageDecay, freezesNormalization) = ("sgd", 0, nil, true)
  }

  /// The optimiser of these settings.
  ///
  /// - Throws: ``TrainingError/setting(name:reason:)`` for an unknown name.
  func makeOptimizer() throws -> Optimizer {
    switch optimizer {
    case "sgd": .sgd(momentum: momentum, nesterov: nesterov && momentum > 0)
    case "adamw": .adamW(beta1: momentum)
    default:
      throw TrainingError.setting(
        name: "optimizer",
        reason: "'\(optimizer)' is not known; take \(Optimizer.names.joined(separator: " or "))")
    }
  }

  /// The schedule of these settings.
  ///
  /// - Throws: ``TrainingError/setting(name:reason:)`` for an unknown name.
  func makeSchedule() throws -> LearningRateSchedule {
    guard let schedule = LearningRateSchedule.named(schedule, final: finalFactor) else {
      throw TrainingError.setting(
        name: "schedule",
        reason: "'\(schedule)' is not known; take one of "
          + LearningRateSchedule.names.joined(separator: ", "))
    }
    return schedule
  }
}
