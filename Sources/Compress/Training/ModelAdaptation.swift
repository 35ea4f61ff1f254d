import Foundation
import GraphIR
import ObjectDetection
import Training

/// What is done to a model file before it is trained on.
struct ModelAdaptation {
  private(set) var graph: Graph
  private let head: DetectionOptions
  private let common: CommonOptions

  init(_ graph: Graph, head: DetectionOptions, common: CommonOptions) throws {
    self.graph = graph
    self.head = head
    self.common = common
  }

  private func rawHead() throws -> (head: RawHead, shape: [Int]) {
    let shapes = try head.parsedShapes()
    let runtime = try SessionRuntime(graph, threads: common.threadCount, inputShapes: shapes)
    let detector = try Detector(runtime, graph: graph, settings: try head.settings())
    let shape = [1, 3, runtime.imageInput.height, runtime.imageInput.width]
    return (
      try RawHead.find(
        in: graph, configuration: detector.configuration, height: shape[2], width: shape[3],
        inputShapes: shapes), shape
    )
  }

  /// Replaces the head for other classes.
  mutating func replaceClasses(_ names: [String], seed: UInt64) throws {
    let (found, _) = try rawHead()
    let old = found.configuration.classes.count
    graph = try found.replacingClasses(in: graph, with: names, seed: seed)
    common.logger.notice(
      "the head's \(old) classes are replaced by \(names.joined(separator: ", "))")
  }

  /// Puts batch normalisations back, calibrated on training images.
  mutating func insertBatchNormalization(_ dataset: Dataset) throws {
    let (found, shape) = try rawHead()
    let loader = try BatchLoader(
      dataset, classes: dataset.categories.map(\.name),
      preprocessing: found.configuration.preprocessing, width: shape[3], height: shape[2],
      batchSize: 1, augmentation: .none, epochs: 1, seed: 0, needsLabels: false)
    let images = try (0..<min(Self.calibrationImages, loader.batchesPerEpoch)).map {
      try loader.batch(epoch: 0, index: $0).images
    }
    let (result, count) = try graph.insertingBatchNormalization(
      except: Set(graph.lastConvolutions), calibration: images, shape: shape,
      threads: common.threadCount)
    graph = result
    common.logger.notice(
      "\(count) batch normalisations put in, calibrated on \(images.count) images")
  }

  private static let calibrationImages = 64
}
