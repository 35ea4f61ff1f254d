import Tensors
import Training

/// A loss on maps of one shape, summed over the feature points, with a ``ChannelBridge`` where
/// channels differ.
final class AlignedTerm: DistillationTerm {
  /// A loss of an aligned student map and the teacher's map of the same shape.
  ///
  /// Returns the value and adds the gradient, times `weight`, to the student's map.
  typealias Loss = (
    _ student: RawMap, _ teacher: UnsafePointer<Float>, _ weight: Float, _ pool: ThreadPool
  ) throws -> Double

  private let bridges: [ChannelBridge]
  private let loss: Loss

  init(_ context: DistillationContext, isForced: Bool = false, loss: @escaping Loss) throws {
    bridges = try context.featurePoints().enumerated().map { index, point in
      try ChannelBridge(
        point, images: context.images, context: context, stream: UInt64(index),
        isForced: isForced)
    }
    self.loss = loss
  }

  var learned: [LearnedPart] { bridges.compactMap(\.part) }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    var total = 0.0
    for (bridge, pair) in zip(bridges, batch.pairs) {
      let map = try bridge.align(pair.student)
      total += try loss(map, pair.teacher, weight, batch.pool)
      try bridge.pull(into: pair.student, batch)
    }
    return Double(weight) * total
  }
}

/// A loss of a pair of maps of any channels, summed over the feature points.
final class PairTerm: DistillationTerm {
  /// Returns the value and adds the gradient, times `weight`, to the student's map.
  typealias Loss = (_ pair: FeaturePair, _ weight: Float, _ pool: ThreadPool) throws -> Double

  private let loss: Loss

  init(_ context: DistillationContext, loss: @escaping Loss) throws {
    _ = try context.featurePoints()
    self.loss = loss
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    Double(weight)
      * (try batch.pairs.reduce(0.0) { try $0 + loss($1, weight, batch.pool) })
  }
}

/// A loss of the two heads' cells, image by image.
final class HeadTerm: DistillationTerm {
  /// One batch of a pair of heads.
  typealias Loss = (_ batch: DistillationBatch, _ weight: Float) throws -> Double

  private let loss: Loss

  init(loss: @escaping Loss) { self.loss = loss }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    Double(weight) * (try loss(batch, weight))
  }
}
