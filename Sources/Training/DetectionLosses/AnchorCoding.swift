import Foundation

/// How the four logits of an anchor become a box.
///
/// The centre is `(s·σ − (s − 1)/2 + cell)·stride` with the spread s. The extents are
/// `(2σ)²·anchor`, or `e^x·anchor`.
public struct AnchorCoding: Sendable, Equatable {
  /// How far a centre reaches, in cells.
  public var spread: Double
  /// Whether extents are exponentials of their logits.
  public var isExponential: Bool

  /// A coding of the given parts.
  public init(spread: Double, isExponential: Bool) {
    (self.spread, self.isExponential) = (spread, isExponential)
  }

  /// YOLOv5's and YOLOv7's.
  public static let squares = AnchorCoding(spread: 2, isExponential: false)
  /// Darknet's, as in YOLOv3 and YOLO-Fastest.
  public static let exponentials = AnchorCoding(spread: 1, isExponential: true)

  /// The place of a centre in its cell, and its derivative by the logit.
  func centre(_ logit: Float) -> (value: Double, slope: Double) {
    let sigma = Double(sigmoid(logit))
    return (spread * sigma - (spread - 1) / 2, spread * sigma * (1 - sigma))
  }

  /// An extent in anchors, and its derivative by the logit.
  ///
  /// Larger logarithms are cut off at 12, because the squares of such extents overflow.
  func extent(_ logit: Float) -> (value: Double, slope: Double) {
    guard isExponential else {
      let sigma = Double(sigmoid(logit))
      return (4 * sigma * sigma, 8 * sigma * sigma * (1 - sigma))
    }
    let extent = exp(min(Double(logit), 12))
    return (extent, extent)
  }
}
