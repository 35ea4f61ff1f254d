import Execution
import GraphIR
import Tensors

/// The distance between a network's outputs and those of the original network, for fine-tuning
/// without labels.
///
/// The raw maps of a recognised head are compared as classes and boxes, see ``HeadMatching``. For
/// any other network the loss is the mean over its outputs of
/// `½ · mean of (y − y₀)² / variance of y₀`, so that outputs of any scale have the same weight. The
/// original runs with its stored statistics on the same augmented images.
public final class OutputMatching: TrainingObjective {
  /// The values that are matched.
  public let taps: [String]
  private let original: ReferenceNetwork
  private let head: HeadMatching?

  /// The distance to a network's values.
  ///
  /// - Parameters:
  ///   - head: The network's head; `nil` when none is recognised.
  ///   - outputs: The outputs to match where no head is recognised.
  /// - Throws: ``TrainingError`` when the network does not take one batch of images, `NodeError`.
  public init(
    original: Graph, head: RawHead? = nil, outputs: [String], batchSize: Int,
    imageSize: (height: Int, width: Int), engine: Engine
  ) throws {
    self.head = head.flatMap(HeadMatching.init)
    taps = head?.taps ?? outputs
    self.original = try ReferenceNetwork(
      original, values: taps, batchSize: batchSize, imageSize: imageSize, engine: engine)
  }

  /// Classes and boxes of a head, else one part.
  public var partNames: [String] { head == nil ? ["match"] : HeadMatching.partNames }

  /// The distance on the batch's images; labels are not read.
  public func evaluate(
    _ maps: [RawMap], on batch: TrainingBatch, pool: ThreadPool
  ) throws -> LossValue {
    distance(maps, try original.run(batch.images), pool: pool)
  }

  /// The original's values on images, valid until the next call, and their shapes.
  func references(
    _ images: [Float]
  ) throws -> (values: [UnsafePointer<Float>], shapes: [[Int]]) {
    (try original.run(images), original.shapes)
  }

  /// The distance of maps from the original's values; adds its gradient.
  func distance(
    _ maps: [RawMap], _ references: [UnsafePointer<Float>], pool: ThreadPool
  ) -> LossValue {
    if let head { return head.evaluate(maps, references, pool: pool) }
    var total = 0.0
    for (map, reference) in zip(maps, references) {
      let values = UnsafeBufferPointer(start: reference, count: map.shape.reduce(1, *))
      total += distance(map, values, maps: maps.count)
    }
    return LossValue(parts: [total])
  }

  private func distance(
    _ map: RawMap, _ reference: UnsafeBufferPointer<Float>, maps: Int
  ) -> Double {
    let count = Double(reference.count)
    let mean = reference.reduce(0.0) { $0 + Double($1) } / count
    let variance =
      reference.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count + 1e-12
    let factor = 1 / (count * variance * Double(maps))
    var sum = 0.0
    for index in reference.indices {
      let error = map.values[index] - reference[index]
      sum += Double(error * error)
      map.gradient[index] += Float(factor) * error
    }
    return factor * sum / 2
  }
}
