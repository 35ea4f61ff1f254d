import Training

/// Maps a student's features to the teacher's number of channels by a learned 1×1 convolution.
///
/// Maps with equal channels pass unchanged.
final class ChannelBridge {
  /// The convolution; `nil` where none is needed.
  let part: LearnedPart?
  private static let feature = "feature"

  /// A bridge at a feature point.
  ///
  /// - Parameter isForced: Whether there is a convolution even when the numbers of channels are
  ///   equal.
  init(
    _ point: FeaturePoint, images: Int, context: DistillationContext, stream: UInt64,
    isForced: Bool = false
  ) throws {
    guard isForced || point.student.channels != point.teacher.channels else {
      part = nil
      return
    }
    var builder = PartBuilder(seed: context.seed &* 1_000_003 &+ stream)
    let x = builder.input(
      Self.feature, [images, point.student.channels, point.rows, point.columns])
    _ = builder.convolution(x, to: point.teacher.channels)
    part = try LearnedPart(
      builder, learningRate: context.learningRate, engine: context.engine)
  }

  /// The student's map with the teacher's channels.
  ///
  /// Where it is a new map, its gradient is zero.
  func align(_ map: RawMap) throws -> RawMap {
    guard let part else { return map }
    part.input(Self.feature).update(from: map.values, count: map.count)
    try part.forward()
    return RawMap(shape: part.outputShape, values: part.output, gradient: part.outputGradient)
  }

  /// Passes the gradient of the aligned map on to the student's, and updates the convolution.
  func pull(into map: RawMap, _ batch: DistillationBatch) throws {
    guard let part else { return }
    try part.backward()
    let gradient = part.inputGradient(Self.feature)
    for index in gradient.indices { map.gradient[index] += gradient[index] }
    if batch.learns { part.update(progress: batch.progress) }
  }
}
