import Tensors
import Training

extension DistillationLoss {
  /// Factor transfer: a translator of the student's maps is trained to give what a paraphraser
  /// gives for the teacher's.
  ///
  /// The paraphraser is a convolutional autoencoder of the teacher's maps `[N, C′, H, W]`. Its
  /// narrowest maps, the factors, have `rate · C′` channels. The translator maps the student's
  /// `[N, C, H, W]` to factors. With the factors f of an image scaled to unit length, the loss is
  /// `mean |f_s − f_t|`, summed over the feature points. During the first fraction of training,
  /// `paraphrase`, only the paraphraser is trained; then it is fixed.
  ///
  /// Reference: Kim, Park and Kwak, *Paraphrasing Complex Network: Network Compression via Factor
  /// Transfer*, NeurIPS 2018, arXiv:1802.04977, with p = 1. Deviations: a pair of networks at each
  /// stride; four convolutions in the paraphraser and two in the translator, without normalisation;
  /// both trained by AdamW.
  public static let factors = DistillationLoss(
    name: "ft", summary: "factors: the teacher's maps paraphrased, the student's translated",
    citation: "Kim et al., NeurIPS 2018, arXiv:1802.04977", subject: .features, weight: 100,
    settings: [
      Setting("rate", "channels of the factors, as a fraction of the teacher's", 0.5, in: 0.05...1),
      Setting(
        "paraphrase", "the fraction of training in which the paraphraser learns", 0.1, in: 0...0.9),
    ], make: { try FactorTerm($0) })
}

private final class FactorTerm: DistillationTerm {
  /// The networks of one feature point.
  private struct Point {
    /// The autoencoder of the teacher's maps.
    var paraphraser: LearnedPart
    /// The first half of the paraphraser, with its weights.
    var encoder: LearnedPart
    var translator: LearnedPart
  }

  private static let slope: Float = 0.1
  private static let feature = "feature"
  private let points: [Point]
  private let share: Double
  private var isParaphrased = false
  var learned: [LearnedPart] { points.flatMap { [$0.paraphraser, $0.encoder, $0.translator] } }

  init(_ context: DistillationContext) throws {
    share = context.setting("paraphrase")
    let rate = context.setting("rate")
    points = try context.featurePoints().enumerated().map { index, point in
      let count = point.teacher.channels
      let factors = max(1, Int((Double(count) * rate).rounded()))
      let seed = context.seed &* 1_000_003 &+ UInt64(2 * index)
      func part(
        _ seed: UInt64, _ channels: Int, _ write: (inout PartBuilder, PartBuilder.Value) -> Void
      ) throws -> LearnedPart {
        var builder = PartBuilder(seed: seed)
        let x = builder.input(
          Self.feature, [context.images, channels, point.rows, point.columns])
        write(&builder, x)
        return try LearnedPart(
          builder, learningRate: context.learningRate, engine: context.engine)
      }
      func narrow(_ builder: inout PartBuilder, _ x: PartBuilder.Value) -> PartBuilder.Value {
        let wide = builder.convolution(x, to: x.channels, kernel: 3)
        let y = builder.leaky(wide, slope: Self.slope)
        return builder.convolution(y, to: factors, kernel: 3)
      }
      return Point(
        paraphraser: try part(seed, count) { builder, x in
          let factors = narrow(&builder, x)
          let y = builder.convolution(
            builder.leaky(factors, slope: Self.slope), to: count, kernel: 3)
          _ = builder.convolution(builder.leaky(y, slope: Self.slope), to: count, kernel: 3)
        },
        encoder: try part(seed, count) { _ = narrow(&$0, $1) },
        translator: try part(seed + 1, point.student.channels) { builder, x in
          let y = builder.leaky(builder.convolution(x, to: factors, kernel: 3), slope: Self.slope)
          _ = builder.convolution(y, to: factors, kernel: 3)
        })
    }
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    if batch.progress < share && batch.learns {
      for (point, pair) in zip(points, batch.pairs) { try paraphrase(point, pair, batch) }
      return 0
    }
    if !isParaphrased { fixParaphrasers() }
    var total = 0.0
    for (point, pair) in zip(points, batch.pairs) {
      total += try translate(point, pair, batch, weight)
    }
    return Double(weight) * total
  }

  /// One step of the autoencoder.
  private func paraphrase(
    _ point: Point, _ pair: FeaturePair, _ batch: DistillationBatch
  ) throws {
    let part = point.paraphraser
    let count = part.outputShape.reduce(1, *)
    part.input(Self.feature).update(from: pair.teacher, count: count)
    try part.forward()
    let map = RawMap(
      shape: part.outputShape, values: part.output, gradient: part.outputGradient)
    _ = DistillationLoss.squaredDistance(map, pair.teacher, 1)
    try part.backward()
    part.update(progress: 0)
  }

  /// Copies the weights of the paraphrasers' first halves to the encoders.
  private func fixParaphrasers() {
    for point in points {
      let weights = point.paraphraser.weights
      for name in point.encoder.parameters {
        if let values = weights[name] { point.encoder.set(name, values) }
      }
    }
    isParaphrased = true
  }

  private func translate(
    _ point: Point, _ pair: FeaturePair, _ batch: DistillationBatch, _ weight: Float
  ) throws -> Double {
    let (encoder, translator) = (point.encoder, point.translator)
    let cells = pair.student.images * pair.student.cells
    encoder.input(Self.feature).update(from: pair.teacher, count: cells * pair.teacherChannels)
    try encoder.forward()
    translator.input(Self.feature).update(from: pair.student.values, count: pair.student.count)
    try translator.forward()
    let (images, count) = (encoder.outputShape[0], encoder.outputShape.dropFirst().reduce(1, *))
    let scale = weight / Float(images * count)
    let parts = try batch.pool.map(images) { image in
      Self.error(
        translator.output + image * count, encoder.output + image * count,
        translator.outputGradient + image * count, count: count, scale: scale)
    }
    try translator.backward()
    let gradient = translator.inputGradient(Self.feature)
    for index in gradient.indices { pair.student.gradient[index] += gradient[index] }
    if batch.learns { translator.update(progress: batch.progress) }
    return parts.reduce(0, +) / Double(images * count)
  }

  /// `Σ |f_s/‖f_s‖ − f_t/‖f_t‖|`; adds its gradient times `scale`.
  private static func error(
    _ own: UnsafePointer<Float>, _ other: UnsafePointer<Float>,
    _ gradient: UnsafeMutablePointer<Float>, count: Int, scale: Float
  ) -> Double {
    func norm(_ values: UnsafePointer<Float>) -> Float {
      var squares = 0.0
      for index in 0..<count { squares += Double(values[index]) * Double(values[index]) }
      return Float(max(squares.squareRoot(), 1e-12))
    }
    let (ownNorm, otherNorm) = (norm(own), norm(other))
    var (error, along) = (0.0, 0.0)
    for index in 0..<count {
      let difference = own[index] / ownNorm - other[index] / otherNorm
      error += Double(difference.magnitude)
      along += Double((difference > 0 ? 1 : difference < 0 ? -1 : 0) * own[index] / ownNorm)
    }
    for index in 0..<count {
      let unit = own[index] / ownNorm
      let difference = unit - other[index] / otherNorm
      let sign: Float = difference > 0 ? 1 : difference < 0 ? -1 : 0
      gradient[index] += scale * (sign - unit * Float(along)) / ownNorm
    }
    return error
  }
}
