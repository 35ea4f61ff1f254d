import Foundation

/// An image on which models find different boxes, with the boxes of each.
public struct Disagreement: Sendable, Equatable {
  /// One object that was found.
  public struct Box: Sendable, Equatable {
    /// The class.
    public var name: String
    /// The confidence.
    public var confidence: Double
    /// The left edge, in pixels.
    public var left: Double
    /// The upper edge, in pixels.
    public var top: Double
    /// The horizontal extent, in pixels.
    public var width: Double
    /// The vertical extent, in pixels.
    public var height: Double

    /// A box.
    public init(
      name: String, confidence: Double, left: Double, top: Double, width: Double, height: Double
    ) {
      (self.name, self.confidence) = (name, confidence)
      (self.left, self.top, self.width, self.height) = (left, top, width, height)
    }

    /// The intersection over the union.
    func overlap(_ other: Box) -> Double {
      let across = min(left + width, other.left + other.width) - max(left, other.left)
      let down = min(top + height, other.top + other.height) - max(top, other.top)
      guard across > 0, down > 0 else { return 0 }
      return across * down / (width * height + other.width * other.height - across * down)
    }
  }

  /// The image's name.
  public var image: String
  /// The image, as the bytes of a JPEG file.
  public var jpeg: Data
  /// Columns of the image.
  public var width: Int
  /// Rows of the image.
  public var height: Int
  /// The boxes of each model, by its index in the report.
  public var boxes: [[Box]]

  /// An image with the boxes of models.
  public init(image: String, jpeg: Data, width: Int, height: Int, boxes: [[Box]]) {
    (self.image, self.jpeg, self.width, self.height) = (image, jpeg, width, height)
    self.boxes = boxes
  }

  /// The ids of the images on which the first and the last model agree least, by descending
  /// confidence of the boxes without a match.
  ///
  /// Images without such boxes are left out.
  public static func worst(_ models: [ModelEvidence], count: Int) -> [Int] {
    guard models.count > 1, let first = models.first, let last = models.last else { return [] }
    let images = Set(first.shown.keys).union(last.shown.keys)
    let scored = images.map { id -> (id: Int, score: Double) in
      let (a, b) = (first.shown[id] ?? [], last.shown[id] ?? [])
      let lost = alone(a, beside: b).reduce(0) { $0 + a[$1].confidence }
      let gained = alone(b, beside: a).reduce(0) { $0 + b[$1].confidence }
      return (id, lost + gained)
    }
    return scored.filter { $0.score > 0 }.sorted { ($1.score, $0.id) < ($0.score, $1.id) }
      .prefix(count).map(\.id)
  }

  /// The indices of boxes without a match among the others.
  ///
  /// A match is a box of the same class with an IoU of at least .50. The most confident boxes are
  /// matched first.
  static func alone(_ boxes: [Box], beside others: [Box]) -> [Int] {
    var open = others
    let order = boxes.indices.sorted {
      (boxes[$1].confidence, $0) < (boxes[$0].confidence, $1)
    }
    return order.filter { index in
      let partner = open.firstIndex {
        $0.name == boxes[index].name && $0.overlap(boxes[index]) >= 0.5
      }
      if let partner { open.remove(at: partner) }
      return partner == nil
    }.sorted()
  }
}
