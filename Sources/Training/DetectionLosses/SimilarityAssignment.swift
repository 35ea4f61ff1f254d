import Foundation
import ObjectDetection

/// Which cells answer for which objects of one image, by the cost of asking them to.
///
/// Cells whose centre lies in an object, or within 2½ strides of its centre, may answer for it. The cost is the class loss
/// plus three times `−log IoU`, and prohibitive where only one of both holds. An object gets as many cells as the sum of its
/// ten best overlaps says, at least one, the cheapest; a cell that several claim goes to the one it costs least.
///
/// Reference: Ge et al., *YOLOX*, 2021, arXiv:2107.08430, §2.2, the simplified form of *OTA*, CVPR 2021, arXiv:2103.14259.
public struct SimilarityAssignment: Sendable {
  /// A cell that answers for an object.
  public struct Positive: Sendable, Equatable {
    /// The cell, counted over all scales.
    public var cell: Int
    /// The place of the object among the image's.
    public var target: Int
    /// The overlap of the predicted box with the object when it was assigned: what its class score aims at.
    public var overlap: Double
  }

  /// How far from an object's centre cells may lie, in strides.
  public var radius = 2.5

  /// The cells that answer for objects, by ascending cell.
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
