import Foundation
import ObjectDetection

/// The overlap of a predicted box with a true one, with the gradient with respect to the predicted
/// corners.
public struct BoxOverlap: Sendable {
  /// Which measure.
  public enum Measure: Sendable { case iou, giou, ciou }

  /// The overlap, at most 1.
  public var value: Double
  /// `∂value/∂(left, top, right, bottom)` of the predicted box.
  public var gradient: SIMD4<Double>

  private static let epsilon = 1e-7

  /// The overlap of a predicted and a true box, each as left, top, right, bottom.
  ///
  /// - IoU: `I / U`.
  /// - GIoU: `IoU − (C − U) / C`, C being the area of the smallest box around both (Rezatofighi et
  ///   al., CVPR 2019, arXiv:1902.09630).
  /// - CIoU: `IoU − ρ²/c² − α·v` with the distance ρ of the centres, the diagonal c of the smallest
  ///   box around both, `v = 4/π² (atan(w′/h′) − atan(w/h))²` and `α = v / (1 − IoU + v)`, held
  ///   fixed in the gradient (Zheng et al., AAAI 2020, arXiv:1911.08287).
  public init(_ box: SIMD4<Double>, _ truth: SIMD4<Double>, _ measure: Measure) {
    let (w, h) = (box.z - box.x, box.w - box.y)
    let (trueWidth, trueHeight) = (truth.z - truth.x, truth.w - truth.y)
    let innerWidth = min(box.z, truth.z) - max(box.x, truth.x)
    let innerHeight = min(box.w, truth.w) - max(box.y, truth.y)
    let meets = innerWidth > 0 && innerHeight > 0
    let inner = meets ? innerWidth * innerHeight : 0
    let union = w * h + trueWidth * trueHeight - inner + Self.epsilon
    var innerGradient = SIMD4<Double>()
    if meets {
      innerGradient = SIMD4(
        box.x > truth.x ? -innerHeight : 0, box.y > truth.y ? -innerWidth : 0,
        box.z < truth.z ? innerHeight : 0, box.w < truth.w ? innerWidth : 0)
    }
    let areaGradient = SIMD4<Double>(-h, -w, h, w)
    let unionGradient = areaGradient - innerGradient
    let iou = inner / union
    value = iou
    gradient = (innerGradient - unionGradient * iou) / union
    guard measure != .iou else { return }
    let outerWidth = max(box.z, truth.z) - min(box.x, truth.x)
    let outerHeight = max(box.w, truth.w) - min(box.y, truth.y)
    let outerEdges = SIMD4<Double>(
      box.x < truth.x ? -1 : 0, box.y < truth.y ? -1 : 0, box.z > truth.z ? 1 : 0,
      box.w > truth.w ? 1 : 0)
    if measure == .giou {
      let outer = outerWidth * outerHeight + Self.epsilon
      let outerGradient =
        outerEdges * SIMD4(outerHeight, outerWidth, outerHeight, outerWidth)
      value -= 1 - union / outer
      gradient += (unionGradient - outerGradient * (union / outer)) / outer
      return
    }
    let dx = (box.x + box.z - truth.x - truth.z) / 2
    let dy = (box.y + box.w - truth.y - truth.w) / 2
    let distance = dx * dx + dy * dy
    let diagonal = outerWidth * outerWidth + outerHeight * outerHeight + Self.epsilon
    let distanceGradient = SIMD4(dx, dy, dx, dy)
    let diagonalGradient =
      2 * outerEdges * SIMD4(outerWidth, outerHeight, outerWidth, outerHeight)
    value -= distance / diagonal
    gradient -= (distanceGradient - diagonalGradient * (distance / diagonal)) / diagonal
    let (width, height) = (max(w, Self.epsilon), max(h, Self.epsilon))
    let angle = atan(trueWidth / max(trueHeight, Self.epsilon)) - atan(width / height)
    let aspect = 4 / (Double.pi * Double.pi) * angle * angle
    let weight = aspect / (1 - iou + aspect + Self.epsilon)
    let square = width * width + height * height
    let slope = 8 / (Double.pi * Double.pi) * angle / square
    let (byWidth, byHeight) = (-slope * height, slope * width)
    value -= weight * aspect
    gradient -= weight * SIMD4(-byWidth, -byHeight, byWidth, byHeight)
  }
}

extension Box {
  /// Left, top, right, bottom.
  var corners: SIMD4<Double> { SIMD4(left, top, right, bottom) }
}
