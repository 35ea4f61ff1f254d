import Execution
import GraphIR
import ObjectDetection
import Tensors

/// The distance of networks from the original on images that are not trained on.
///
/// Networks run as they will be used, with their stored statistics, on images as detection sees
/// them. The original's values are kept as long as they take no more than ``memoryLimit``.
final class HeldBackDistance {
  private let matching: OutputMatching
  private let loader: BatchLoader
  private let batches: Int
  private let batchSize: Int
  private let imageSize: (height: Int, width: Int)
  private let engine: Engine
  private let pool: ThreadPool
  private var kept: [[Tensor]] = []

  /// The most bytes of values that are kept.
  private static let memoryLimit = 256 << 20

  /// A distance on whole batches of images.
  ///
  /// - Parameters:
  ///   - matching: The distance, for batches of `batchSize`.
  ///   - loader: Makes batches of the images, unaltered.
  init(
    _ matching: OutputMatching, loader: BatchLoader, batches: Int, batchSize: Int,
    imageSize: (height: Int, width: Int), engine: Engine
  ) {
    (self.matching, self.loader, self.batches) = (matching, loader, batches)
    (self.batchSize, self.imageSize, self.engine) = (batchSize, imageSize, engine)
    pool = ThreadPool(threads: engine.threads)
  }

  /// The mean distance of a network; infinite where it is not a number.
  ///
  /// - Throws: What sessions and images throw.
  func of(_ graph: Graph) throws -> Double {
    let network = try ReferenceNetwork(
      graph, values: matching.taps, batchSize: batchSize, imageSize: imageSize, engine: engine)
    // Gradients are not needed, but written.
    let gradients = network.shapes.map { Tensor(zeros: TensorType(.float32, $0)) }
    var sum = 0.0
    for index in 0..<batches {
      let images = try loader.batch(epoch: 0, index: index).images
      let maps = zip(zip(network.shapes, try network.run(images)), gradients).map {
        RawMap(
          shape: $0.0, values: $0.1,
          gradient: $1.view.base.assumingMemoryBound(to: Float.self))
      }
      sum += try withExtendedLifetime(gradients) {
        try withReferences(index, images) { matching.distance(maps, $0, pool: pool).total }
      }
    }
    let mean = sum / Double(batches)
    return mean.isNaN ? .infinity : mean
  }

  /// Calls `body` with the original's values on a batch.
  private func withReferences<Result>(
    _ index: Int, _ images: [Float], _ body: ([UnsafePointer<Float>]) throws -> Result
  ) throws -> Result {
    guard index >= kept.count else {
      return try withExtendedLifetime(kept[index]) {
        try body(
          kept[index].map { UnsafePointer($0.view.base.assumingMemoryBound(to: Float.self)) })
      }
    }
    let (values, shapes) = try matching.references(images)
    let bytes = shapes.reduce(0) { $0 + 4 * $1.reduce(1, *) }
    if index == kept.count, bytes * (index + 1) <= Self.memoryLimit {
      kept.append(
        zip(values, shapes).map { value, shape in
          Tensor(
            Array(UnsafeBufferPointer(start: value, count: shape.reduce(1, *))), shape: shape)
        })
    }
    return try body(values)
  }
}
