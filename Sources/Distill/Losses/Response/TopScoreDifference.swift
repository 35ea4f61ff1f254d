import Training

extension DistillationLoss {
  /// The gap between the teacher's best class score and the next ones.
  ///
  /// A cell's classes `a₁ … a_K` are in the order of the teacher's logits, and the gap is
  /// `g(x) = x_a₁ − mean_{k = 2…K} x_a_k`. With the teacher's confidence p the loss is
  /// `1/Z Σ_cells ½ p (g(s) − g(t))²`, `Z = max(Σ p, N)`. Logits s, t are `[N, C, H, W]`.
  ///
  /// Reference: Yang et al., *Training Deep Neural Networks in Generations: A More Tolerant Teacher
  /// Educates Better Students*, AAAI 2019, arXiv:1805.05551, equation 4. Deviation: the paper
  /// limits the gap while the teacher is trained. Here the teacher is given, and the student
  /// matches its gap.
  public static let topScoreDifference = DistillationLoss(
    name: "tsd", summary: "how far the first class stands out from the next",
    citation: "Yang et al., AAAI 2019, arXiv:1805.05551", subject: .head, weight: 0.1,
    settings: [Setting("classes", "how many classes are looked at", 5, in: 2...1000)],
    make: { context in
      let heads = try context.pairOfHeads()
      guard heads.student.scores > 1 else {
        throw DistillationError.heads(loss: context.loss, reason: "they have a single class")
      }
      let count = min(Int(context.setting("classes")), heads.student.scores)
      return HeadTerm { batch, weight in
        let weights = try CellWeights(heads, batch)
        let sums = try batch.pool.map(weights.confidences.count) { image in
          gapError(
            heads, batch, image: image, confidences: weights.confidences[image], count: count,
            scale: weight / Float(weights.total))
        }
        return sums.reduce(0, +) / weights.total
      }
    })

  private static func gapError(
    _ heads: HeadPair, _ batch: DistillationBatch, image: Int, confidences: [Float], count: Int,
    scale: Float
  ) -> Double {
    var total = 0.0
    heads.forEachCell(of: image) { cell in
      let (own, other) = (cell.student.scores, cell.teacher.scores)
      let map = batch.head[own.map]
      let place = own.place(image, cell.anchor, cell.cell)
      let teacher = batch.teacherHead[other.map] + other.place(image, cell.anchor, cell.cell)
      let order = (0..<heads.student.scores).sorted {
        let (a, b) = (teacher[$0 * other.channel], teacher[$1 * other.channel])
        return a == b ? $0 < $1 : a > b
      }
      let rest = Float(count - 1)
      var (gap, wanted) = (
        map.values[place + order[0] * own.channel], teacher[order[0] * other.channel]
      )
      for index in order[1..<count] {
        gap -= map.values[place + index * own.channel] / rest
        wanted -= teacher[index * other.channel] / rest
      }
      let (confidence, error) = (confidences[cell.index], gap - wanted)
      total += Double(confidence) * Double(error * error) / 2
      let slope = scale * confidence * error
      map.gradient[place + order[0] * own.channel] += slope
      for index in order[1..<count] { map.gradient[place + index * own.channel] -= slope / rest }
    }
    return total
  }
}
