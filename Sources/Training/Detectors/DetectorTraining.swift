import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// A detector with the images it is trained and scored on.
///
/// Training and the fine-tuning of every method use it.
public struct DetectorTraining {
  /// The loss of the training.
  public enum Loss: String, Codable, CaseIterable, Sendable {
    /// The loss of the head's family against the labels.
    case labels
    /// The distance of the raw outputs from those of the original model; needs no labels.
    case match
  }

  /// All settings that decide the outcome, apart from model and images.
  public struct Settings: Codable, Equatable, Sendable {
    /// Epochs, batches and the optimiser.
    public var training: TrainingConfiguration
    /// How images are varied.
    public var augmentation: Augmentation
    /// The loss of the training.
    public var loss: Loss
    /// The seed of the order of images and of their augmentation.
    public var seed: UInt64

    /// Settings of the given parts.
    public init(
      training: TrainingConfiguration = TrainingConfiguration(),
      augmentation: Augmentation = .light, loss: Loss = .labels, seed: UInt64 = 0
    ) {
      (self.training, self.augmentation) = (training, augmentation)
      (self.loss, self.seed) = (loss, seed)
    }
  }

  /// The network to train.
  public let graph: Graph
  /// The settings of its head.
  public let head: HeadConfiguration
  /// The outputs and their shapes for one image.
  public let outputs: [(name: String, shape: [Int])]
  /// Rows and columns of the input.
  public let imageSize: (height: Int, width: Int)
  /// The images to train on.
  public let training: Dataset
  /// The images to score on; `nil` for none.
  public let validation: Dataset?
  /// The settings.
  public let settings: Settings
  private let engine: Engine
  /// The network whose outputs are matched without labels; `nil` for the network itself before
  /// training.
  public var original: Graph?

  /// A detector whose head is recognised, as far as no settings are given.
  ///
  /// - Throws: `HeadError` when the head is not recognised, `InputError` when the network takes no
  ///   image.
  public init(
    _ graph: Graph, head: HeadSettings = HeadSettings(), training: Dataset,
    validation: Dataset? = nil, settings: Settings, engine: Engine
  ) throws {
    let reading = try DetectorReading(graph, settings: head, engine: engine)
    (outputs, self.head) = (reading.outputs, reading.configuration)
    var graph = graph
    // The settings are stored in the model, so that it is scored with them later.
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    graph.properties.metadata[Detector.metadataKey] = String(
      decoding: try encoder.encode(reading.configuration), as: UTF8.self)
    self.graph = graph
    imageSize = (reading.input.height, reading.input.width)
    (self.training, self.validation) = (training, validation)
    (self.settings, self.engine) = (settings, engine)
  }

  /// A trainer, ready to run or to resume from a checkpoint.
  ///
  /// - Parameters:
  ///   - objective: The objective of training; `nil` for that of the settings.
  ///   - needsLabels: Whether the objective reads labels; `nil` for that of the settings.
  public func trainer(
    hooks: [any TrainingHook] = [], objective: (any TrainingObjective)? = nil,
    needsLabels: Bool? = nil
  ) throws -> Trainer {
    let loader = try BatchLoader(
      training, classes: head.classes, preprocessing: head.preprocessing, width: imageSize.width,
      height: imageSize.height, batchSize: settings.training.batchSize,
      augmentation: settings.augmentation, epochs: settings.training.epochs, seed: settings.seed,
      needsLabels: needsLabels ?? (settings.loss == .labels))
    return try Trainer(
      graph, objective: try objective ?? self.objective(),
      parameters: TrainableParameter.all(in: graph, registry: engine.registry),
      source: LoaderSource(loader: loader), imageSize: imageSize,
      configuration: settings.training, engine: engine, hooks: hooks)
  }

  private func objective() throws -> any TrainingObjective {
    switch settings.loss {
    case .labels:
      let found = try RawHead.find(
        in: graph, configuration: head, height: imageSize.height, width: imageSize.width,
        registry: engine.registry)
      return DetectionObjective(try found.loss(), taps: found.taps)
    case .match:
      let found = matchedHead
      engine.progress.info(
        "matching \((found?.taps ?? outputs.map(\.name)).joined(separator: ", "))")
      return try OutputMatching(
        original: original ?? graph, head: found, outputs: outputs.map(\.name),
        batchSize: settings.training.batchSize,
        imageSize: imageSize, engine: engine)
    }
  }

  /// Fine-tunes a network and returns the finished trainer.
  ///
  /// - Parameter original: The network whose outputs are matched without labels; `nil` for the
  ///   given network.
  /// - Throws: ``TrainingError/diverged(epoch:step:)`` when the loss is no longer finite, what
  ///   training throws.
  public static func tune(
    _ graph: Graph, towards original: Graph?, on images: Dataset?, settings: Settings,
    hooks: [any TrainingHook] = [], head: HeadSettings = HeadSettings(), engine: Engine
  ) throws -> Trainer {
    guard let images else { throw TrainingError.noImages }
    var detector = try DetectorTraining(
      graph, head: head, training: images, settings: settings, engine: engine)
    detector.original = original
    let trainer = try detector.trainer(hooks: hooks)
    try detector.watch(trainer)
    return trainer
  }

  /// Runs a trainer to its end.
  ///
  /// - Throws: ``TrainingError/diverged(epoch:step:)`` when the loss is no longer finite.
  public func watch(_ trainer: Trainer) throws {
    if case .diverged(let epoch, let step) = try end(of: trainer) {
      throw TrainingError.diverged(epoch: epoch, step: step)
    }
  }

  /// Runs a trainer until it ends for any reason.
  public func end(of trainer: Trainer) throws -> TrainingEnd {
    let watcher = engine.progress as? any TrainingObserver
    watcher?.begin(trainer)
    return try trainer.run(observe: { event in
      watcher?.show(event, of: trainer)
      return .proceed
    })
  }

  /// The head whose raw maps are matched without labels; `nil` when none is recognised and the
  /// outputs are matched.
  private var matchedHead: RawHead? {
    RawHead.shared(
      by: graph, and: original ?? graph, configuration: head, imageSize: imageSize, engine: engine)
  }

  /// The number of all steps of the optimiser.
  public var steps: Int {
    let (batch, epochs) = (settings.training.batchSize, settings.training.epochs)
    let batches = (training.images.count + batch - 1) / batch
    return (batches + settings.training.accumulation - 1) / settings.training.accumulation * epochs
  }

  /// The names of the figures that ``score(_:)`` returns, the chief one first.
  public static let metricNames = ["AP", "AP50", "AP75"]

  /// The COCO numbers of a model on the validation images; `nil` when there are none.
  public func score(_ model: Graph) throws -> (score: Double, metrics: [String: Double])? {
    guard let validation else { return nil }
    let evaluation = try DetectorEvaluation(
      model, on: validation,
      engine: Engine(registry: engine.registry, threads: engine.threads, rewrites: engine.rewrites))
    let values = Dictionary(
      uniqueKeysWithValues: zip(CocoSummary.names, evaluation.summary.values))
    let metrics = Self.metricNames.reduce(into: [String: Double]()) { $0[$1] = values[$1] }
    return (max(metrics["AP"] ?? 0, 0), metrics)
  }
}

/// A loader as a source of batches.
private struct LoaderSource: BatchSource {
  let loader: BatchLoader

  var batchesPerEpoch: Int { loader.batchesPerEpoch }

  func batch(epoch: Int, index: Int) throws -> TrainingBatch {
    let batch = try loader.batch(epoch: epoch, index: index)
    return TrainingBatch(images: batch.images, targets: batch.targets)
  }
}
