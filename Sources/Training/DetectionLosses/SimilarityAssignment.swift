import Foundation
import ObjectDetection

/// Assigns cells of one image to objects at the lowest cost (SimOTA).
///
/// The candidates of an object are cells whose centre lies in it, or within 2½ strides of its
/// centre. The cost is the class loss plus three times `−log IoU`, and very high where only one of
/// the two conditions holds. An object gets its cheapest cells. Their number is the sum of its ten
/// best overlaps, rounded down, at least one. A cell that several objects get is assigned to the
/// one with the lowest cost.
///
/// Reference: Ge et al., *YOLOX*, 2021, arXiv:2107.08430, §2.2, the simplified form of *OTA*, CVPR
/// 2021, arXiv:2103.14259.
public struct SimilarityAssignment: Sendable {
  /// A cell that is assigned to an object.
  public struct Positive: Sendable, Equatable {
    /// The cell, counted over all scales.
    public var cell: Int
    /// The index of the object in the image.
    public var target: Int
    /// The overlap of the predicted box with the object when it was assigned: the target of its
    /// class score.
    public var overlap: Double
  }

  /// The largest distance of candidates from an object's centre, in strides.
  public var radius = 2.5

  /// The positive cells, by ascending cell.
  ///
  /// - Parameters:
  ///   - centres: The centre of each cell.
  ///   - strides: The stride of each cell.
  ///   - boxes: The box that each cell predicts.
  ///   - classCost: The class loss of a cell for a class.
  func positives(
    _ targets: [LabelledBox], centres: [SIMD2<Double>], strides: [Double],
    boxes: [SIMD4<Double>], classCost: (_ cell: Int, _ label: Int) -> Double
  ) -> [Positive] {
    var owner: [Int: (target: Int, cost: Double, overlap: Double)] = [:]
    for (index, target) in targets.enumerated() {
      let truth = target.box.corners
      let middle = SIMD2(truth.x + truth.z, truth.y + truth.w) / 2
      var found: [(cell: Int, cost: Double, overlap: Double)] = []
      for (cell, centre) in centres.enumerated() {
        let reach = radius * strides[cell]
        let isNear = abs(centre.x - middle.x) < reach && abs(centre.y - middle.y) < reach
        let isInside =
          centre.x > truth.x && centre.x < truth.z && centre.y > truth.y && centre.y < truth.w
        guard isNear || isInside else { continue }
        let overlap = max(BoxOverlap(boxes[cell], truth, .iou).value, 0)
        let cost =
          classCost(cell, target.classIndex) - 3 * log(overlap + 1e-8)
          + (isNear && isInside ? 0 : 1e5)
        found.append((cell, cost, overlap))
      }
      let best = found.map(\.overlap).sorted(by: >).prefix(10).reduce(0, +)
      found.sort { ($0.cost, $0.cell) < ($1.cost, $1.cell) }
      for choice in found.prefix(max(1, Int(best))) {
        if let other = owner[choice.cell], other.cost <= choice.cost { continue }
        owner[choice.cell] = (index, choice.cost, choice.overlap)
      }
    }
    return owner.keys.sorted().compactMap { cell in
      owner[cell].map { Positive(cell: cell, target: $0.target, overlap: $0.overlap) }
    }
  }
}
