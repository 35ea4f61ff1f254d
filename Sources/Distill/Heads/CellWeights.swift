import Tensors

/// How much each cell of a batch counts in losses between heads.
struct CellWeights {
  /// The teacher's confidence, image by image.
  let confidences: [[Float]]
  /// What sums over cells are divided by: `Z = max(Σ confidence, N)`.
  let total: Double
  /// The weight of a cell for its classes, image by image.
  private(set) var classes: [[Float]] = []

  /// The weights of a batch.
  ///
  /// A cell's class weight is `background + p · (foreground − background)`. p is 1 where its centre
  /// lies in a labelled object, else 0. Without labels, and for priors, p is the teacher's
  /// confidence.
  init(
    _ heads: HeadPair, _ batch: DistillationBatch, foreground: Float = 1, background: Float = 1
  ) throws {
    let images = batch.head[0].shape[0]
    confidences = try batch.pool.map(images) {
      heads.confidences(batch.teacherHead, image: $0)
    }
    let sum = confidences.reduce(0.0) { $0 + $1.reduce(0.0) { $0 + Double($1) } }
    total = max(sum, Double(images))
    let isUniform = foreground == background
    let hasPriors = heads.student.scales.contains { $0.stride == 0 }
    let hasBoxes = batch.targets.contains { !$0.isEmpty } && !hasPriors
    classes = (0..<images).map { image in
      if isUniform {
        return Array(repeating: foreground, count: confidences[image].count)
      }
      let shares = hasBoxes ? heads.foreground(batch.targets[image]) : confidences[image]
      return shares.map { background + $0 * (foreground - background) }
    }
  }
}
