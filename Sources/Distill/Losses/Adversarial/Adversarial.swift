import Foundation
import Tensors
import Training

extension DistillationLoss {
  /// A discriminator is trained to tell the student's feature maps from the teacher's.
  ///
  /// The student is trained to deceive it.
  ///
  /// The discriminator D writes one logit for each cell: a 1×1 convolution to `width` channels, a
  /// 3×3 convolution, a 1×1 convolution to one channel, with leaky ReLUs between. In each batch D
  /// takes one step on the loss `−mean log σ(D(t)) − mean log(1 − σ(D(s)))`. Then the student's
  /// loss is `−mean log σ(D(s))`, summed over the feature points. The student's map s passes a
  /// learned 1×1 convolution where its channels differ from those of the teacher's map t.
  ///
  /// References: Goodfellow et al., *Generative Adversarial Nets*, NIPS 2014, arXiv:1406.2661, in
  /// the non-saturating form; Belagiannis, Farshad and Galasso, *Adversarial Network Compression*,
  /// ECCVW 2018, arXiv:1803.10750. Deviations: D judges cells, not images. It is trained by AdamW,
  /// without dropout.
  public static let adversarialFeatures = DistillationLoss(
    name: "adversarial",
    summary: "feature maps that a discriminator cannot tell from the teacher's",
    citation: "Belagiannis et al., ECCVW 2018, arXiv:1803.10750", subject: .features, weight: 0.1,
    settings: [Setting("width", "channels of the discriminator", 32, in: 1...1024)],
    make: { try FeatureDeception($0) })

  /// ``adversarialFeatures`` on the probabilities of classes that the heads write.
  public static let adversarialOutputs = DistillationLoss(
    name: "adversarial-output", summary: "the same on class probabilities",
    citation: "Belagiannis et al., ECCVW 2018, arXiv:1803.10750", subject: .head, weight: 0.1,
    settings: [Setting("width", "channels of the discriminator", 32, in: 1...1024)],
    make: { try OutputDeception($0) })
}

/// The discriminator of a student's maps.
private final class Discriminator {
  let part: LearnedPart
  private static let input = "maps"
  private let images: Int
  private let element: Int

  /// A discriminator of maps `[N, C, H, W]`.
  ///
  /// Its input has 2·N images, the teacher's first.
  init(_ shape: [Int], _ context: DistillationContext, stream: UInt64) throws {
    images = shape[0]
    element = shape.dropFirst().reduce(1, *)
    var builder = PartBuilder(seed: context.seed &* 1_000_003 &+ 50 &+ stream)
    var x = builder.input(Self.input, [2 * shape[0]] + shape.dropFirst())
    let width = Int(context.setting("width"))
    x = builder.leaky(builder.convolution(x, to: width), slope: 0.2)
    x = builder.leaky(builder.convolution(x, to: width, kernel: 3), slope: 0.2)
    _ = builder.convolution(x, to: 1)
    part = try LearnedPart(
      builder, learningRate: context.learningRate, engine: context.engine)
  }

  /// Takes a step of the discriminator, then computes the student's loss and adds its gradient
  /// times `weight`.
  func play(
    _ map: RawMap, _ teacher: UnsafePointer<Float>, _ batch: DistillationBatch, weight: Float
  ) throws -> Double {
    let memory = part.input(Self.input)
    memory.update(from: teacher, count: images * element)
    (memory + images * element).update(from: map.values, count: images * element)
    let logits = part.outputShape.reduce(1, *)
    let half = logits / 2
    if batch.learns {
      try part.forward()
      for index in 0..<logits {
        let truth: Float = index < half ? 1 : 0
        part.outputGradient[index] = (sigmoid(part.output[index]) - truth) / Float(half)
      }
      try part.backward()
      part.update(progress: batch.progress)
    }
    try part.forward()
    var loss = 0.0
    for index in half..<logits {
      let x = part.output[index]
      loss += Double(max(-x, 0) + log1p(exp(-x.magnitude)))
      part.outputGradient[index] = weight * (sigmoid(x) - 1) / Float(half)
    }
    try part.backward()
    let gradient = part.inputGradient(Self.input)
    for index in 0..<images * element {
      map.gradient[index] += gradient[images * element + index]
    }
    return loss / Double(half)
  }
}

private final class FeatureDeception: DistillationTerm {
  private let bridges: [ChannelBridge]
  private let discriminators: [Discriminator]
  var learned: [LearnedPart] { bridges.compactMap(\.part) + discriminators.map(\.part) }

  init(_ context: DistillationContext) throws {
    let points = try context.featurePoints()
    bridges = try points.enumerated().map { index, point in
      try ChannelBridge(
        point, images: context.images, context: context, stream: UInt64(index))
    }
    discriminators = try points.enumerated().map { index, point in
      try Discriminator(
        [context.images, point.teacher.channels, point.rows, point.columns], context,
        stream: UInt64(index))
    }
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    var total = 0.0
    for (index, pair) in batch.pairs.enumerated() {
      let map = try bridges[index].align(pair.student)
      total += try discriminators[index].play(map, pair.teacher, batch, weight: weight)
      try bridges[index].pull(into: pair.student, batch)
    }
    return Double(weight) * total
  }
}

private final class OutputDeception: DistillationTerm {
  private let heads: HeadPair
  private let images: Int
  private let discriminators: [Discriminator]
  var learned: [LearnedPart] { discriminators.map(\.part) }

  init(_ context: DistillationContext) throws {
    let heads = try context.pairOfHeads()
    (self.heads, images) = (heads, context.images)
    discriminators = try heads.student.scales.enumerated().map { index, scale in
      try Discriminator(
        [context.images, scale.anchors * heads.student.scores, scale.rows, scale.columns],
        context, stream: UInt64(index))
    }
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    var total = 0.0
    for (index, discriminator) in discriminators.enumerated() {
      let (own, other) = (heads.student.scales[index], heads.teacher.scales[index])
      var probabilities = gather(own, own.scores) { batch.head[own.scores.map].values[$0] }
      let teacher = gather(other, other.scores) {
        batch.teacherHead[other.scores.map][$0]
      }
      var slopes = [Float](repeating: 0, count: probabilities.count)
      total += try probabilities.withUnsafeMutableBufferPointer { values -> Double in
        try slopes.withUnsafeMutableBufferPointer { gradient -> Double in
          try teacher.withUnsafeBufferPointer { teacher -> Double in
            guard let base = values.baseAddress, let slope = gradient.baseAddress,
              let reference = teacher.baseAddress
            else { return 0 }
            let map = RawMap(
              shape: [images, own.anchors * heads.student.scores, own.rows, own.columns],
              values: UnsafePointer(base), gradient: slope)
            return try discriminator.play(map, reference, batch, weight: weight)
          }
        }
      }
      let map = batch.head[own.scores.map]
      forEachScore(own, own.scores) { index, place in
        let p = probabilities[index]
        map.gradient[place] += slopes[index] * p * (1 - p)
      }
    }
    return Double(weight) * total
  }

  /// The probabilities of a scale as `[N, anchors · classes, H, W]`.
  private func gather(
    _ scale: CellLayout.Scale, _ run: CellLayout.Run, _ read: (Int) -> Float
  ) -> [Float] {
    var values = [Float](
      repeating: 0, count: images * scale.anchors * heads.student.scores * scale.cells)
    forEachScore(scale, run) { values[$0] = sigmoid(read($1)) }
    return values
  }

  private func forEachScore(
    _ scale: CellLayout.Scale, _ run: CellLayout.Run, _ body: (Int, Int) -> Void
  ) {
    var index = 0
    for image in 0..<images {
      for anchor in 0..<scale.anchors {
        for score in 0..<heads.student.scores {
          for cell in 0..<scale.cells {
            body(index, run.place(image, anchor, cell) + score * run.channel)
            index += 1
          }
        }
      }
    }
  }
}
