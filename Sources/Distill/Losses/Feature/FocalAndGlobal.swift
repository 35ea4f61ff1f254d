import Foundation
import ObjectDetection
import Tensors
import Training

extension DistillationLoss {
  /// Focal and global distillation: features weighted by the teacher's attention, objects separate
  /// from background, and relations between cells.
  ///
  /// The maps are s and t `[N, C, H, W]`; s passes a learned 1×1 convolution where its channels
  /// differ. Attention over cells is `A^S = H·W · softmax(mean_c |x| / T)`, over channels
  /// `A^C = C · softmax(mean_cells |x| / T)`. The mask M is 1/area of the smallest box over a cell
  /// in objects, and `1/(cells outside)` elsewhere. The loss is the sum of three parts, summed over
  /// the feature points:
  ///
  /// - focal: `1/N Σ w M A_t^S A_t^C (t − s)²`, with w the weight of objects or of background;
  /// - attention: `1/N (‖A_t^S − A_s^S‖₁ + ‖A_t^C − A_s^C‖₁)`;
  /// - global: `1/N Σ (R_t(t) − R_s(s))²`, with R a learned context block for each network.
  ///
  /// Reference: Yang et al., *Focal and Global Knowledge Distillation for Detectors*, CVPR 2022,
  /// arXiv:2111.11837, with its weights for one-stage detectors; context blocks after Cao et al.,
  /// GCNet, ICCVW 2019, arXiv:1904.11492.
  public static let focalAndGlobal = DistillationLoss(
    name: "fgd", summary: "features by the teacher's attention, objects and background apart",
    citation: "Yang et al., CVPR 2022, arXiv:2111.11837", subject: .features,
    settings: [
      Setting("foreground", "weight of cells in objects", 1e-3, in: 0...1000),
      Setting("background", "weight of the other cells", 5e-4, in: 0...1000),
      Setting("attention", "weight of the attentions", 1e-3, in: 0...1000),
      Setting("global", "weight of the relations between cells", 5e-6, in: 0...1000),
      Setting("temperature", "softens attentions", 0.5, in: 0.01...100),
    ],
    make: { context in
      guard context.hasLabels else { throw DistillationError.labels(loss: context.loss) }
      return try FocalTerm(context)
    })
}

private final class FocalTerm: DistillationTerm {
  private let bridges: [ChannelBridge]
  private let contexts: [(student: LearnedPart, teacher: LearnedPart)]
  private let settings: FocalLoss
  private let global: Float
  var learned: [LearnedPart] {
    bridges.compactMap(\.part) + contexts.flatMap { [$0.student, $0.teacher] }
  }

  init(_ context: DistillationContext) throws {
    let points = try context.featurePoints()
    bridges = try points.enumerated().map { index, point in
      try ChannelBridge(
        point, images: context.images, context: context, stream: UInt64(index))
    }
    contexts = try points.enumerated().map { index, point in
      func block(_ stream: Int) throws -> LearnedPart {
        try LearnedPart(
          .contextBlock(
            [context.images, point.teacher.channels, point.rows, point.columns],
            seed: context.seed &* 1_000_003 &+ UInt64(100 + stream)),
          learningRate: context.learningRate, engine: context.engine)
      }
      return (try block(2 * index), try block(2 * index + 1))
    }
    func number(_ name: String) -> Float { Float(context.setting(name)) }
    global = number("global")
    settings = FocalLoss(
      foreground: number("foreground"), background: number("background"),
      attention: number("attention"), temperature: number("temperature"))
  }

  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double {
    var total = 0.0
    for (index, pair) in batch.pairs.enumerated() {
      let map = try bridges[index].align(pair.student)
      let images = map.images
      let parts = try batch.pool.map(images) { image in
        settings.evaluate(
          map, pair.teacher, image: image, stride: pair.stride,
          objects: batch.targets.indices.contains(image) ? batch.targets[image] : [],
          scale: weight / Float(images))
      }
      total += parts.reduce(0, +) / Double(images)
      if global > 0 { total += try relate(index, map, pair, batch, weight) }
      try bridges[index].pull(into: pair.student, batch)
    }
    return Double(weight) * total
  }

  /// The global part at one feature point.
  private func relate(
    _ index: Int, _ map: RawMap, _ pair: FeaturePair, _ batch: DistillationBatch, _ weight: Float
  ) throws -> Double {
    let (own, other) = contexts[index]
    own.input("feature").update(from: map.values, count: map.count)
    other.input("feature").update(from: pair.teacher, count: map.count)
    try own.forward()
    try other.forward()
    let factor = 2 * weight * global / Float(map.images)
    var sum = 0.0
    for place in 0..<map.count {
      let error = own.output[place] - other.output[place]
      sum += Double(error * error)
      own.outputGradient[place] = factor * error
      other.outputGradient[place] = -factor * error
    }
    try own.backward()
    let gradient = own.inputGradient("feature")
    for place in gradient.indices { map.gradient[place] += gradient[place] }
    if batch.learns {
      try other.backward()
      own.update(progress: batch.progress)
      other.update(progress: batch.progress)
    }
    return sum * Double(global) / Double(map.images)
  }
}

extension PartBuilder {
  /// A block that adds an attention-weighted sum over all cells to every cell:
  /// `x + W₂ ReLU(LN(W₁ Σ_cells softmax(W_k x) x))`.
  ///
  /// W₂ is zero at first, so the block begins as the identity.
  fileprivate static func contextBlock(_ shape: [Int], seed: UInt64) -> PartBuilder {
    var builder = PartBuilder(seed: seed)
    let (images, channels, cells) = (shape[0], shape[1], shape[2] * shape[3])
    let x = builder.input("feature", shape)
    let hidden = max(channels / 2, 1)
    func shaped(_ value: Value, _ extents: [Int], _ name: String) -> Value {
      let constant = builder.constant(
        name, Tensor(extents.map(Int64.init), shape: [extents.count]))
      return builder.node("Reshape", [value.name, constant], channels: extents[1])
    }
    let keys = shaped(builder.convolution(x, to: 1), [images, 1, cells], "keys")
    let shares = builder.node(
      "Softmax", [keys.name], channels: 1, attributes: ["axis": .int(-1)])
    let column = shaped(shares, [images, cells, 1], "column")
    let flat = shaped(x, [images, channels, cells], "flat")
    let gathered = builder.node("MatMul", [flat.name, column.name], channels: channels)
    let context = shaped(gathered, [images, channels, 1, 1], "context")
    let narrow = shaped(builder.convolution(context, to: hidden), [images, hidden], "narrow")
    let scale = builder.parameter(
      "norm.scale", Tensor([Float](repeating: 1, count: hidden)))
    let shift = builder.parameter(
      "norm.shift", Tensor([Float](repeating: 0, count: hidden)))
    let normal = builder.node(
      "LayerNormalization", [narrow.name, scale, shift], channels: hidden,
      attributes: ["axis": .int(-1)])
    let active = builder.node("Relu", [normal.name], channels: hidden)
    let wide = shaped(active, [images, hidden, 1, 1], "wide")
    let added = builder.convolution(wide, to: channels, scale: 0)
    _ = builder.node("Add", [x.name, added.name], channels: channels)
    return builder
  }
}
