/// An axis-aligned box by its corners, in pixels.
public struct Box: Hashable, Sendable, Codable {
  /// The left edge.
  public var left: Double
  /// The upper edge.
  public var top: Double
  /// The right edge.
  public var right: Double
  /// The lower edge.
  public var bottom: Double

  /// A box with the given edges.
  public init(left: Double, top: Double, right: Double, bottom: Double) {
    self.left = left
    self.top = top
    self.right = right
    self.bottom = bottom
  }

  /// A box of the given corner and extents, as COCO writes them.
  public init(x: Double, y: Double, width: Double, height: Double) {
    self.init(left: x, top: y, right: x + width, bottom: y + height)
  }

  /// The horizontal extent.
  public var width: Double { right - left }
  /// The vertical extent.
  public var height: Double { bottom - top }
  /// The area, 0 for an inverted box.
  public var area: Double { max(width, 0) * max(height, 0) }

  /// Intersection over union, between 0 and 1.
  public func iou(_ other: Box) -> Double {
    let w = min(right, other.right) - max(left, other.left)
    let h = min(bottom, other.bottom) - max(top, other.top)
    guard w > 0, h > 0 else { return 0 }
    return w * h / (area + other.area - w * h)
  }
}

/// A box that a detector found.
public struct Detection: Hashable, Sendable, Codable {
  /// The box.
  public var box: Box
  /// The class, counted from 0 in the detector's order.
  public var classIndex: Int
  /// The confidence, between 0 and 1.
  public var confidence: Double

  /// A detection of one object.
  public init(box: Box, classIndex: Int, confidence: Double) {
    self.box = box
    self.classIndex = classIndex
    self.confidence = confidence
  }
}
