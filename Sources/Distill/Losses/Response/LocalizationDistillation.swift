import Foundation
import Training

extension DistillationLoss {
  /// The distance of boxes, with each cell weighted by the teacher's confidence p.
  ///
  /// The loss is `1/Z Σ_cells p · D` with `Z = max(Σ p, N)`. Where sides are distributions over
  /// bins, with logits `[N, 4·B, H, W]`,
  /// `D = T² · mean of the four KL(softmax(t/T) ‖ softmax(s/T))`. Elsewhere
  /// `D = ½ · mean of the four (s − t)²` of the raw numbers.
  ///
  /// Reference: Zheng et al., *Localization Distillation for Dense Object Detection*, CVPR 2022,
  /// arXiv:2102.12252. Deviations: cells are weighted by confidence; the paper chooses a main and a
  /// valuable region by labels. Heads without distributions use squared distances.
  public static let localization = DistillationLoss(
    name: "ld", summary: "box distributions, or box numbers",
    citation: "Zheng et al., CVPR 2022, arXiv:2102.12252", subject: .head,
    settings: [Setting("temperature", "softens distributions", 1, in: 0.1...100)],
    make: { context in
      let heads = try context.pairOfHeads()
      guard heads.comparesBoxes else {
        throw DistillationError.heads(
          loss: context.loss, reason: "their boxes are written differently")
      }
      let temperature = Float(context.setting("temperature"))
      return HeadTerm { batch, weight in
        let weights = try CellWeights(heads, batch)
        let sums = try batch.pool.map(weights.confidences.count) { image in
          boxDivergence(
            heads, batch, image: image, confidences: weights.confidences[image],
            temperature: temperature, scale: weight / Float(weights.total))
        }
        return sums.reduce(0, +) / weights.total
      }
    })

  /// Cells with a lower confidence do not count.
  private static let leastConfidence: Float = 1e-3

  private static func boxDivergence(
    _ heads: HeadPair, _ batch: DistillationBatch, image: Int, confidences: [Float],
    temperature: Float, scale: Float
  ) -> Double {
    let bins = heads.student.bins
    var total = 0.0
    heads.forEachCell(of: image) { cell in
      let confidence = confidences[cell.index]
      guard confidence > leastConfidence else { return }
      let (own, other) = (cell.student.boxes, cell.teacher.boxes)
      let map = batch.head[own.map]
      let first = own.place(image, cell.anchor, cell.cell)
      let otherFirst = other.place(image, cell.anchor, cell.cell)
      let share = scale * confidence / 4
      for side in 0..<4 {
        let place = first + side * bins * own.channel
        let otherPlace = otherFirst + side * bins * other.channel
        let teacher = batch.teacherHead[other.map] + otherPlace
        if bins > 1 {
          let divergence = Divergence(
            student: map.values + place, gradient: map.gradient + place, step: own.channel,
            teacher: teacher, teacherStep: other.channel, count: bins, temperature: temperature)
          total += Double(confidence) / 4 * divergence.categories(share)
        } else {
          let error = map.values[place] - teacher[0]
          map.gradient[place] += share * error
          total += Double(confidence) / 4 * Double(error * error) / 2
        }
      }
    }
    return total
  }
}
