import Tensors
import Training

extension DistillationLoss {
  /// Masked generation: a learned generator is trained to make the teacher's maps from the
  /// student's maps with some cells hidden.
  ///
  /// The cells of the mask M `[N, 1, H, W]` are 0 with the probability `hidden`. The generator G is
  /// two 3×3 convolutions with a ReLU between. The loss is the mean of `(G(M · s) − t)²` with t
  /// `[N, C′, H, W]`, summed over the feature points. s first passes a learned 1×1 convolution
  /// where its channels differ.
  ///
  /// Reference: Yang et al., *Masked Generative Distillation*, ECCV 2022, arXiv:2205.01529.
  /// Deviations: the mean instead of the sum over elements; the generator is trained by AdamW.
  public static let maskedGeneration = DistillationLoss(
    name: "mgd", summary: "the teacher's maps generated from the student's with cells hidden",
    citation: "Yang et al., ECCV 2022, arXiv:2205.01529", subject: .features,
    settings: [Setting("hidden", "the fraction of cells that are hidden", 0.65, in: 0...0.99)],
    make: { try MaskedTerm($0) })
}

private final class MaskedTerm: DistillationTerm {
  private static let feature = "feature"
  private static let mask = "mask"
  let learned: [LearnedPart]
  private let hidden: Double
  private let seed: UInt64
  private var draws: UInt64 = 0

  init(_ context: DistillationContext) throws {
    hidden = context.setting("hidden")
    seed = context.seed
    learned = try context.featurePoints().enumerated().map { index, point in
      var builder = PartBuilder(seed: context.seed &* 1_000_003 &+ UInt64(index))
      let (own, other) = (point.student.channels, point.teacher.channels)
      var x = builder.input(Self.feature, [context.images, own, point.rows, point.columns])
      let mask = builder.input(
        Self.mask, [context.images, 1, point.rows, point.columns], isDifferentiated: false)
      if own != other { x = builder.convolution(x, to: other) }
      x = builder.node("Mul", [x.name, mask.name], channels: other)
      x = builder.convolution(x, to: other, kernel: 3)
      x = builder.node("Relu", [x.name], channels: other)
      _ = builder.convolution(x, to: other, kernel: 3)
      return try LearnedPart(
        builder, learningRate: context.learningRate, engine: context.engine)
    }
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    // A batch that is evaluated without training gets the same mask each time.
    var random = CounterRandom(seed: seed, stream: 0x3a5c_0000 &+ (batch.learns ? draws : 0))
    if batch.learns { draws += 1 }
    var total = 0.0
    for (part, pair) in zip(learned, batch.pairs) {
      part.input(Self.feature).update(from: pair.student.values, count: pair.student.count)
      let mask = part.input(Self.mask)
      for cell in 0..<pair.student.images * pair.student.cells {
        mask[cell] = Double.random(in: 0..<1, using: &random) < hidden ? 0 : 1
      }
      try part.forward()
      let map = RawMap(
        shape: part.outputShape, values: part.output, gradient: part.outputGradient)
      total += 2 * DistillationLoss.squaredDistance(map, pair.teacher, 2 * weight)
      try part.backward()
      let gradient = part.inputGradient(Self.feature)
      for index in gradient.indices { pair.student.gradient[index] += gradient[index] }
      if batch.learns { part.update(progress: batch.progress) }
    }
    return Double(weight) * total
  }
}
