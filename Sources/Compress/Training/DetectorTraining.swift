import ArgumentParser
import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors
import Training

/// A detector with the images it learns from and is scored on: what `train` and the fine-tuning of other verbs share.
struct DetectorTraining {
  /// What brings the network down.
  enum Loss: String, Codable, CaseIterable, ExpressibleByArgument {
    /// The loss of the head's family against the labels.
    case labels
    /// The distance of the raw outputs to those of the model before; needs no labels.
    case match
  }

  /// All that decides the outcome, apart from model and images.
  struct Settings: Codable, Equatable {
    var training = TrainingConfiguration()
    var augmentation = Augmentation.light
    var loss = Loss.labels
    var seed: UInt64 = 0
  }

  /// The network to train.
  let graph: Graph
  /// How its outputs read.
  let head: HeadConfiguration
  /// The outputs and their shapes for one image.
  let outputs: [(name: String, shape: [Int])]
  /// Rows and columns of the input.
  let imageSize: (height: Int, width: Int)
  let training: Dataset
  let validation: Dataset?
  let settings: Settings
  let common: CommonOptions
  /// The network whose outputs are matched without labels; `nil` for the network itself as it is before training.
  var original: Graph?

  /// A detector whose head is recognised, or set by the options.
  init(
    _ graph: Graph, head: DetectionOptions, training: Dataset, validation: Dataset?,
    settings: Settings, common: CommonOptions
  ) throws {
    let runtime = try SessionRuntime(
      graph, threads: common.threadCount, inputShapes: try head.parsedShapes())
    let detector = try Detector(runtime, graph: graph, settings: try head.settings())
    outputs = runtime.outputNames.map { ($0, runtime.session.output($0)?.shape ?? []) }
    self.head = detector.configuration
    var graph = graph
    // The settings in force travel with the model, whoever scores it later.
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    graph.properties.metadata[Detector.metadataKey] = String(
      decoding: try encoder.encode(detector.configuration), as: UTF8.self)
    self.graph = graph
    imageSize = (runtime.imageInput.height, runtime.imageInput.width)
    (self.training, self.validation) = (training, validation)
    (self.settings, self.common) = (settings, common)
  }

  /// A trainer, ready to run or to take up a checkpoint.
  ///
  /// - Parameters:
  ///   - objective: What training brings down; `nil` for what the settings say.
  ///   - needsLabels: Whether that reads labels; `nil` for what the settings say.
  func trainer(
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
      parameters: TrainableParameter.all(in: graph),
      source: LoaderSource(loader: loader), imageSize: imageSize,
      configuration: settings.training, threads: common.threadCount, hooks: hooks)
  }

  private func objective() throws -> any TrainingObjective {
    switch settings.loss {
    case .labels:
      let found = try RawHead.find(
        in: graph, configuration: head, height: imageSize.height, width: imageSize.width)
      return DetectionObjective(try found.loss(), taps: found.taps)
    case .match:
      let found = matchedHead
      common.logger.info(
        "matching \((found?.taps ?? outputs.map(\.name)).joined(separator: ", "))")
      return try OutputMatching(
        original: original ?? graph, head: found, outputs: outputs.map(\.name),
        batchSize: settings.training.batchSize,
        imageSize: imageSize, threads: common.threadCount)
    }
  }

  /// Trains a network on and returns the finished trainer.
  ///
  /// - Parameter original: The network whose outputs are matched without labels; `nil` for the network as it comes.
  /// - Throws: ``CommandError`` when the loss is no longer finite, what training throws.
  static func tune(
    _ graph: Graph, towards original: Graph?, on images: Dataset?, settings: Settings,
    hooks: [any TrainingHook] = [], head: DetectionOptions, common: CommonOptions
  ) throws -> Trainer {
    guard let images else { throw TrainingError.noImages }
    var detector = try DetectorTraining(
      graph, head: head, training: images, validation: nil, settings: settings, common: common)
    detector.original = original
    let trainer = try detector.trainer(hooks: hooks)
    try detector.watch(trainer)
    return trainer
  }

  /// Runs a trainer to its end.
  ///
  /// - Throws: ``CommandError`` when the loss is no longer finite.
  func watch(_ trainer: Trainer) throws {
    if case .diverged(let epoch, let step) = try TrainingRun.watch(trainer, self, common: common) {
      throw CommandError(
        .badData,
        "the loss is no longer finite (epoch \(epoch), step \(step)); nothing is written: take a lower --lr"
      )
    }
  }

  /// The head whose raw maps are matched without labels; `nil` when none is recognised and the outputs are matched.
  ///
  /// Decoded outputs hold boxes in pixels beside scores, which would not count against them.
  private var matchedHead: RawHead? {
    let found = try? RawHead.comparable(
      in: graph, configuration: head, height: imageSize.height, width: imageSize.width)
    let made = Set((original ?? graph).nodes.flatMap(\.outputs))
    return found.flatMap { made.isSuperset(of: $0.taps) ? $0 : nil }
  }

  /// Steps of the optimiser in all.
  var steps: Int {
    let (batch, epochs) = (settings.training.batchSize, settings.training.epochs)
    let batches = (training.images.count + batch - 1) / batch
    return (batches + settings.training.accumulation - 1) / settings.training.accumulation * epochs
  }

  /// The names of the figures that ``score(_:)`` returns, the chief one first.
  static let metricNames = ["AP", "AP50", "AP75"]

  /// The COCO numbers of a model on the validation images; `nil` when there are none.
  func score(_ model: Graph) throws -> (score: Double, metrics: [String: Double])? {
    guard let validation else { return nil }
    let workers = max(1, min(common.threadCount, validation.images.count))
    let detectors = try (0..<workers).map { _ in
      let runtime = try SessionRuntime(model, threads: 1)
      return try Detector(runtime, graph: model)
    }
    let evaluation = try DetectorEvaluation(
      detectors, on: validation, pool: ThreadPool(threads: common.threadCount))
    let values = Dictionary(
      uniqueKeysWithValues: zip(CocoSummary.names, evaluation.summary.values))
    let metrics = Self.metricNames.reduce(into: [String: Double]()) { $0[$1] = values[$1] }
    return (max(metrics["AP"] ?? 0, 0), metrics)
  }
}

/// A loader as a trainer takes it.
private struct LoaderSource: BatchSource {
  let loader: BatchLoader

  var batchesPerEpoch: Int { loader.batchesPerEpoch }

  func batch(epoch: Int, index: Int) throws -> TrainingBatch {
    let batch = try loader.batch(epoch: epoch, index: index)
    return TrainingBatch(images: batch.images, targets: batch.targets)
  }
}
