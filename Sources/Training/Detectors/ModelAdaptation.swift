import Execution
import GraphIR
import ObjectDetection

/// The changes to a network before it is fine-tuned.
public struct ModelAdaptation {
  /// The current network.
  public private(set) var graph: Graph
  private let head: HeadSettings
  private let engine: Engine

  /// A network without changes.
  public init(_ graph: Graph, head: HeadSettings = HeadSettings(), engine: Engine) {
    (self.graph, self.head, self.engine) = (graph, head, engine)
  }

  private func rawHead() throws -> (head: RawHead, shape: [Int]) {
    let reading = try DetectorReading(graph, settings: head, engine: engine)
    let shape = [1, 3, reading.input.height, reading.input.width]
    return (
      try RawHead.find(
        in: graph, configuration: reading.configuration, height: shape[2], width: shape[3],
        registry: engine.registry, inputShapes: engine.inputShapes), shape
    )
  }

  /// Replaces the head for other classes.
  ///
  /// - Throws: ``RawHeadError``, what recognising the head throws.
  public mutating func replaceClasses(_ names: [String], seed: UInt64) throws {
    let (found, _) = try rawHead()
    let old = found.configuration.classes.count
    graph = try found.replacingClasses(
      in: graph, with: names, seed: seed, registry: engine.registry,
      inputShapes: engine.inputShapes)
    engine.progress.notice(
      "the head's \(old) classes are replaced by \(names.joined(separator: ", "))")
  }

  /// Inserts batch normalisations, calibrated on training images.
  ///
  /// - Throws: ``RawHeadError``, what reading images and sessions throw.
  public mutating func insertBatchNormalization(_ dataset: Dataset) throws {
    let (found, shape) = try rawHead()
    let loader = try BatchLoader(
      dataset, classes: dataset.categories.map(\.name),
      preprocessing: found.configuration.preprocessing, width: shape[3], height: shape[2],
      batchSize: 1, augmentation: .none, epochs: 1, seed: 0, needsLabels: false)
    let images = try (0..<min(Self.calibrationImages, loader.batchesPerEpoch)).map {
      try loader.batch(epoch: 0, index: $0).images
    }
    let (result, count) = try graph.insertingBatchNormalization(
      except: Set(graph.lastConvolutions(engine.registry)), calibration: images, shape: shape,
      engine: engine)
    graph = result
    engine.progress.notice(
      "\(count) batch normalisations put in, calibrated on \(images.count) images")
  }

  private static let calibrationImages = 64
}
