import Foundation
import ObjectDetection

/// Assigns anchors of cells to objects, by shape and position.
///
/// An anchor fits an object when neither extent differs by more than a factor of `ratio`. It is
/// positive in the cell of the object's centre and in the two neighbouring cells nearest to the
/// centre, at every scale.
///
/// Reference: Jocher et al., Ultralytics YOLOv5, 2020–2022, as published. A neighbour beyond the
/// edge is left out. A centre in the outermost half cell has one neighbour fewer, as there. Without
/// neighbours it is Darknet's assignment with several anchors for an object.
public struct AnchorAssignment: Sendable {
  /// An anchor of a cell that is assigned to an object.
  public struct Positive: Sendable, Equatable {
    /// The scale.
    public var level: Int
    /// The anchor's index among those of the scale.
    public var anchor: Int
    /// The cell of the scale.
    public var cell: Int
    /// The index of the object in the image.
    public var target: Int
    /// The overlap of the predicted box with the object when it was assigned: the target of
    /// objectness.
    public var overlap: Double
  }

  /// The largest factor between an anchor's extent and an object's.
  public var ratio = 4.0
  /// Whether anchors of the two nearest neighbouring cells are positive too.
  public var takesNeighbours = true

  /// The assignment, with or without neighbours.
  public init(takesNeighbours: Bool = true) { self.takesNeighbours = takesNeighbours }

  /// The positive anchors and cells for the objects of an image, in order.
  func places(
    _ targets: [LabelledBox], levels: [HeadLevel], anchors: [[[Double]]]
  ) -> [Positive] {
    var found: [Positive] = []
    for (index, target) in targets.enumerated() {
      for (scale, level) in levels.enumerated() {
        let cells = cells(target.box, level)
        for (number, anchor) in anchors[scale].enumerated() where fits(target.box, anchor) {
          found += cells.map {
            Positive(level: scale, anchor: number, cell: $0, target: index, overlap: 0)
          }
        }
      }
    }
    return found
  }

  private func fits(_ box: Box, _ anchor: [Double]) -> Bool {
    let (w, h) = (max(box.width, 1e-3) / anchor[0], max(box.height, 1e-3) / anchor[1])
    return max(w, 1 / w, h, 1 / h) < ratio
  }

  private func cells(_ box: Box, _ level: HeadLevel) -> [Int] {
    let x = (box.left + box.right) / 2 / Double(level.stride)
    let y = (box.top + box.bottom) / 2 / Double(level.stride)
    let (column, row) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
    let (partX, partY) = (x - Double(column), y - Double(row))
    let places = [
      (column, row), (partX < 0.5 ? column - 1 : column + 1, row),
      (column, partY < 0.5 ? row - 1 : row + 1),
    ]
    return places.prefix(takesNeighbours ? 3 : 1).compactMap { column, row in
      guard (0..<level.columns).contains(column), (0..<level.rows).contains(row) else { return nil }
      return row * level.columns + column
    }
  }
}
