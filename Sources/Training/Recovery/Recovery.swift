import Execution
import GraphIR
import ObjectDetection

/// Trains a compressed network on images without labels until it answers like the original again.
///
/// The loss is the distance of the head's raw maps, or of the outputs, from the original's, see
/// ``OutputMatching``. A part of the images is held back and never trained on. The distance on
/// these decides everything: how long steps are, whether batch normalisations keep their
/// statistics, which state is kept, and when to stop. The start is one of the states, so the result
/// is never further from the original than the compressed network was.
///
/// Structure, names and weights that are zero stay as they are.
public struct Recovery {
  /// The settings of a recovery.
  public struct Configuration: Codable, Equatable, Sendable {
    /// How long it may train.
    public var limit = RecoveryLimit.minutes(20)
    /// Images per batch.
    public var batchSize = 4
    /// How images are varied.
    public var augmentation = Augmentation.light
    /// The learning rates that may be tried, see ``RecoveryTrial``.
    public var learningRates = [0.0001, 0.0003, 0.001, 0.003, 0.01]
    /// The part of the limit that each trial takes.
    public var trialPart = 0.08
    /// How often the distance is measured after the trials.
    public var measurements = 20
    /// Measurements without a better distance after which it stops.
    public var patience = 6
    /// The part of the images that is held back.
    public var heldBackPart = 0.1
    /// The most images that a distance is measured on.
    public var mostMeasured = 64
    /// The seed of what is held back, of the order of images and of their augmentation.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}
  }

  /// A recovered network.
  public struct Outcome: Sendable {
    /// The network of the best distance.
    public var graph: Graph
    /// How it came about.
    public var log: RecoveryLog
  }

  /// The settings.
  public var configuration: Configuration
  private let head: HeadSettings
  private let engine: Engine

  /// A recovery with a configuration.
  ///
  /// - Parameter head: The given settings of the detector's head; the rest is recognised.
  public init(
    _ configuration: Configuration = Configuration(), head: HeadSettings = HeadSettings(),
    engine: Engine
  ) {
    (self.configuration, self.head, self.engine) = (configuration, head, engine)
  }

  /// The fewest images that are held back.
  public static let leastHeldBack = 4
  /// The fewest images that a network is recovered on.
  public static let leastImages = 2 * leastHeldBack

  /// Recovers a network.
  ///
  /// The same seed and a limit in steps give the same network at any number of threads.
  ///
  /// - Parameters:
  ///   - compressed: The network to train.
  ///   - original: The network that it should answer like, with values of the same names.
  ///   - images: The images; their labels are not read.
  ///   - units: How far parameters move, see ``MovementUnits``; of those that are not named the
  ///     magnitude decides.
  ///   - sparse: The weights whose zeros stay; `nil` for all.
  ///   - hooks: What else takes part in every step.
  /// - Throws: ``TrainingError/fewImages(found:needed:)``, ``TrainingError/nothingToTrain``,
  ///   `InputError` when the network takes no image, what sessions and images throw.
  public func run(
    on compressed: Graph, towards original: Graph, images: Dataset,
    units: [String: [Float]] = [:], sparse: Set<String>? = nil, hooks: [any TrainingHook] = []
  ) throws -> Outcome {
    let (learning, held) = try split(images)
    let material = try RecoveryMaterial(
      compressed, original: original, head: head, learning: learning, held: held,
      configuration: configuration, engine: engine)
    let registry = engine.registry
    let weights = TrainableParameter.all(in: compressed, registry: registry).filter {
      sparse?.contains($0.name) ?? true
    }
    let constraints: [any TrainingHook] = [
      MovementUnits(magnitudesOf: compressed, besides: units, registry: registry),
      KeptZeros(parameters: weights),
    ]
    let run = try RecoveryRun(
      material, configuration, hooks: constraints + hooks, engine: engine)
    return try run.recover()
  }

  /// The images to train on and those held back, both without labels.
  private func split(_ images: Dataset) throws -> (kept: Dataset, held: Dataset) {
    let count = images.images.count
    guard count >= Self.leastImages else {
      throw TrainingError.fewImages(found: count, needed: Self.leastImages)
    }
    var images = images
    (images.annotations, images.categories) = ([], [])
    let part = max(configuration.heldBackPart, Double(Self.leastHeldBack) / Double(count))
    return images.holdingOut(min(part, 0.5), seed: configuration.seed)
  }
}

/// How long a recovery may train.
public enum RecoveryLimit: Codable, Equatable, Sendable {
  /// So many minutes of wall time.
  case minutes(Double)
  /// So many steps of the optimiser, trials included.
  case steps(Int)
}
