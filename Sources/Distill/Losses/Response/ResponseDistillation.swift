import Foundation
import Tensors
import Training

extension DistillationLoss {
  /// The distance of class scores in each cell, softened by a temperature T.
  ///
  /// s and t are logits `[N, C, H, W]`, w the weights of ``CellWeights``, and
  /// `Z = max(Σ confidence, N)`. For sigmoid heads the loss is
  /// `T²/Z Σ_cells w Σ_c KL(σ(t_c/T) ‖ σ(s_c/T))` of two outcomes each, and the same for
  /// objectness. For softmax heads it is `T²/Z Σ_cells w KL(softmax(t/T) ‖ softmax(s/T))`. The
  /// gradient with respect to a student's logit is `w T/Z (σ(s/T) − σ(t/T))`, or the same with
  /// softmax.
  ///
  /// References: Hinton, Vinyals and Dean, *Distilling the Knowledge in a Neural Network*, 2015,
  /// arXiv:1503.02531; foreground and background after Chen et al., *Learning Efficient Object
  /// Detection Models with Knowledge Distillation*, NIPS 2017, §3.2. Deviations: the teacher's
  /// entropy is subtracted, so that equal outputs give 0. Sums are divided by the sum of the
  /// teacher's confidences, because most cells contain no object.
  public static let response = DistillationLoss(
    name: "kd", summary: "class scores softened by a temperature",
    citation: "Hinton et al., arXiv:1503.02531", subject: .head,
    settings: [
      Setting("temperature", "softens scores", 1, in: 0.1...100),
      Setting("foreground", "weight of cells that see objects", 1, in: 0...1000),
      Setting("background", "weight of all other cells", 1, in: 0...1000),
    ], make: { try responseTerm($0) })

  /// The term of ``response``, multiplied by `decay(progress)`.
  static func responseTerm(
    _ context: DistillationContext,
    decay: @escaping @Sendable (Double) -> Double = { _ in 1 }
  ) throws -> HeadTerm {
    let heads = try context.pairOfHeads()
    let temperature = Float(context.setting("temperature"))
    let foreground = Float(context.settings["foreground"] ?? 1)
    let background = Float(context.settings["background"] ?? 1)
    return HeadTerm { batch, weight in
      let factor = decay(batch.progress)
      guard factor > 0 else { return 0 }
      let weights = try CellWeights(
        heads, batch, foreground: foreground, background: background)
      let sums = try batch.pool.map(weights.confidences.count) { image in
        classDivergence(
          heads, batch, image: image, weights: weights.classes[image], temperature: temperature,
          scale: weight * Float(factor / weights.total))
      }
      return factor * sums.reduce(0, +) / weights.total
    }
  }

  /// `T² Σ_cells w · KL` of one image; adds its gradient times `scale`.
  private static func classDivergence(
    _ heads: HeadPair, _ batch: DistillationBatch, image: Int, weights: [Float],
    temperature: Float, scale: Float
  ) -> Double {
    var total = 0.0
    let (scores, isSoftmax) = (heads.student.scores, heads.student.isSoftmax)
    heads.forEachCell(of: image) { cell in
      let weight = weights[cell.index]
      guard weight > 0 else { return }
      func compare(_ own: CellLayout.Run, _ other: CellLayout.Run, _ count: Int, _ soft: Bool) {
        let map = batch.head[own.map]
        let place = own.place(image, cell.anchor, cell.cell)
        let otherPlace = other.place(image, cell.anchor, cell.cell)
        let divergence = Divergence(
          student: map.values + place, gradient: map.gradient + place, step: own.channel,
          teacher: batch.teacherHead[other.map] + otherPlace, teacherStep: other.channel,
          count: count, temperature: temperature)
        total +=
          Double(weight)
          * (soft ? divergence.categories(scale * weight) : divergence.outcomes(scale * weight))
      }
      compare(cell.student.scores, cell.teacher.scores, scores, isSoftmax)
      if let own = cell.student.objectness, let other = cell.teacher.objectness {
        compare(own, other, 1, false)
      }
    }
    return total
  }
}
