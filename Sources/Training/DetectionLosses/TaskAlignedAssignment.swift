import Foundation
import ObjectDetection

/// Assigns cells of one image to objects by their class score and overlap.
///
/// The metric of a cell whose centre lies within an object is `s^α · IoU^β`, with the class score s
/// of the object's class and the CIoU of the predicted box. The `topK` cells of each object are
/// positive. A cell that is positive for several objects is assigned to the one it overlaps most.
/// The target score is the metric, scaled so that the best cell of an object gets the object's best
/// IoU.
///
/// Reference: Feng et al., *TOOD*, ICCV 2021, arXiv:2108.07755, §3.2. Assignments are constants for
/// the gradient. Deviates in one respect: an object that contains no cell's centre is assigned to
/// the nearest cell of the finest scale.
public struct TaskAlignedAssignment: Sendable {
  /// A cell that is assigned to an object.
  public struct Positive: Sendable, Equatable {
    /// The cell, counted over all scales.
    public var cell: Int
    /// The index of the object in the image.
    public var target: Int
    /// The target score of the object's class.
    public var score: Double
  }

  var topK = 10
  var alpha = 0.5
  var beta = 6.0

  /// The positive cells, by ascending cell.
  ///
  /// - Parameters:
  ///   - centres: The centre of each cell, those of the finest scale first.
  ///   - boxes: The box that each cell predicts.
  ///   - score: The probability of a class in a cell.
  func positives(
    _ targets: [LabelledBox], centres: [SIMD2<Double>], boxes: [SIMD4<Double>],
    score: (_ cell: Int, _ label: Int) -> Double
  ) -> [Positive] {
    var owner: [Int: (target: Int, iou: Double, metric: Double)] = [:]
    for (index, target) in targets.enumerated() {
      for (cell, iou, metric) in candidates(target, centres, boxes, score) {
        if let other = owner[cell], other.iou >= iou { continue }
        owner[cell] = (index, iou, metric)
      }
    }
    var best = Array(repeating: (iou: 0.0, metric: 0.0), count: targets.count)
    for claim in owner.values {
      best[claim.target].iou = max(best[claim.target].iou, claim.iou)
      best[claim.target].metric = max(best[claim.target].metric, claim.metric)
    }
    return owner.keys.sorted().compactMap { cell in
      guard let claim = owner[cell] else { return nil }
      let top = best[claim.target]
      return Positive(
        cell: cell, target: claim.target, score: claim.metric * top.iou / (top.metric + 1e-9))
    }
  }

  private func candidates(
    _ target: LabelledBox, _ centres: [SIMD2<Double>], _ boxes: [SIMD4<Double>],
    _ score: (Int, Int) -> Double
  ) -> [(cell: Int, iou: Double, metric: Double)] {
    let truth = target.box.corners
    var found: [(cell: Int, iou: Double, metric: Double)] = []
    func add(_ cell: Int) {
      let iou = max(BoxOverlap(boxes[cell], truth, .ciou).value, 0)
      found.append(
        (cell, iou, pow(score(cell, target.classIndex), alpha) * pow(iou, beta)))
    }
    for (cell, centre) in centres.enumerated()
    where centre.x > truth.x && centre.x < truth.z && centre.y > truth.y && centre.y < truth.w {
      add(cell)
    }
    if found.isEmpty {
      let middle = SIMD2(truth.x + truth.z, truth.y + truth.w) / 2
      func distance(_ cell: Int) -> Double {
        ((centres[cell] - middle) * (centres[cell] - middle)).sum()
      }
      // The finest scale comes first, and no cell is nearer than the nearest one of the finest
      // scale.
      if let nearest = centres.indices.min(by: { (distance($0), $0) < (distance($1), $1) }) {
        add(nearest)
      }
    }
    found.sort { ($1.metric, $0.cell) < ($0.metric, $1.cell) }
    return Array(found.prefix(topK))
  }
}
