import Execution
import GraphIR
import ObjectDetection
import Tensors

/// What a recovery works on: two networks, the images to train on, and the distance on the others.
struct RecoveryMaterial {
  /// The network before it is trained.
  let compressed: Graph
  /// The distance from the original, for batches of training.
  let matching: OutputMatching
  /// Makes batches of the images to train on.
  let loader: BatchLoader
  /// The distance on the images that are held back.
  let distance: HeldBackDistance
  /// Rows and columns of the input.
  let imageSize: (height: Int, width: Int)
  /// The numbers of images, and what is compared.
  let log: RecoveryLog

  /// Batches of the held-back images.
  private static let heldBackBatch = Recovery.leastHeldBack

  /// Reads a network's head, and prepares the original for its batches.
  ///
  /// - Throws: `InputError` when the network takes no image, ``TrainingError``, what sessions
  ///   throw.
  init(
    _ compressed: Graph, original: Graph, head: HeadSettings, learning: Dataset, held: Dataset,
    configuration: Recovery.Configuration, engine: Engine
  ) throws {
    let input = try compressed.onlyImageInput(engine.inputShapes)
    let size = (height: input.height, width: input.width)
    let settings = try? DetectorReading(compressed, settings: head, engine: engine).configuration
    let raw = settings.flatMap {
      RawHead.shared(
        by: compressed, and: original, configuration: $0, imageSize: size, engine: engine)
    }
    let outputs = compressed.outputs.map(\.name)
    func matching(_ batchSize: Int) throws -> OutputMatching {
      try OutputMatching(
        original: original, head: raw, outputs: outputs, batchSize: batchSize, imageSize: size,
        engine: engine)
    }
    let preprocessing = try PreprocessingReading(compressed, settings: head, engine: engine)
      .preprocessing
    func loader(
      _ images: Dataset, _ batchSize: Int, _ augmentation: Augmentation
    ) throws -> BatchLoader {
      try BatchLoader(
        images, classes: [], preprocessing: preprocessing,
        width: size.width, height: size.height, batchSize: batchSize, augmentation: augmentation,
        epochs: .max, seed: configuration.seed, needsLabels: false)
    }
    let batches = max(
      1, min(held.images.count, configuration.mostMeasured) / Self.heldBackBatch)
    (self.compressed, imageSize) = (compressed, size)
    self.matching = try matching(configuration.batchSize)
    self.loader = try loader(learning, configuration.batchSize, configuration.augmentation)
    distance = HeldBackDistance(
      try matching(Self.heldBackBatch), loader: try loader(held, Self.heldBackBatch, .none),
      batches: batches, batchSize: Self.heldBackBatch, imageSize: size, engine: engine)
    log = RecoveryLog(
      distanceBefore: 0, distanceAfter: 0, images: learning.images.count,
      heldBack: held.images.count, measured: batches * Self.heldBackBatch,
      values: self.matching.taps)
  }

  /// The network with trained parameters and statistics.
  func network(_ state: [String: Tensor]) -> Graph {
    var graph = compressed
    graph.setConstants(state)
    return graph
  }
}
