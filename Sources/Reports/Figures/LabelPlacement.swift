import Foundation

/// Finds room for names beside points, so that nothing overlaps.
struct LabelPlacement {
  /// A name that found room.
  struct Found {
    var text: Drawing.Text
    /// The end of the line from the point to the name, when the name is not next to the point.
    var leader: Drawing.Point?
  }

  private let area: Drawing.Frame
  private var taken: [Drawing.Frame] = []

  /// A placement of names within the given area.
  init(area: Drawing.Frame) { self.area = area }

  /// Keeps names away from a rectangle.
  mutating func block(_ frame: Drawing.Frame) { taken.append(frame) }

  /// The nearest room for a name; `nil` when there is none.
  ///
  /// - Complexity: a hundred positions by all rectangles that are taken.
  mutating func place(
    _ name: String, near point: Drawing.Point, size: Double = Legend.size
  ) -> Found? {
    let (width, height) = (Helvetica.room(name, size: size), size + 1)
    for distance in [9.0, 14, 22, 32, 44, 60, 80] {
      for step in Self.angles {
        let angle = Double(step) * .pi / 8
        let (dx, dy) = (cos(angle), -sin(angle))
        // The name's near edge or corner lies at the distance.
        let centre = Drawing.Point(
          point.x + dx * distance + width / 2 * (dx > 0.3 ? 1 : dx < -0.3 ? -1 : 0),
          point.y + dy * distance + height / 2 * (dy > 0.3 ? 1 : dy < -0.3 ? -1 : 0))
        let frame = Drawing.Frame(
          left: centre.x - width / 2, top: centre.y - height / 2, width: width, height: height)
        guard isFree(frame) else { continue }
        taken.append(frame)
        let text = Drawing.Text(
          string: name, at: .init(frame.left, frame.bottom - 2.5), size: size)
        let edge = Drawing.Point(
          min(max(point.x, frame.left), frame.right), min(max(point.y, frame.top), frame.bottom))
        return Found(text: text, leader: distance > 14 ? edge : nil)
      }
    }
    return nil
  }

  /// Room for a name at a box: inside its upper or lower edge where it is wide enough, else above
  /// or below, else ``place(_:near:size:)`` its corner.
  mutating func place(_ name: String, at box: Drawing.Frame, size: Double) -> Found? {
    let (width, height) = (Helvetica.room(name, size: size), size + 1)
    let inside = [box.top + 2, box.bottom - height - 2]
    let outside = [box.top - height - 1, box.bottom + 1]
    let isWide = box.width >= width + 2 && box.height >= height + 4
    let tops = isWide ? inside + outside : outside + inside
    let lefts = [box.left, max(box.left, box.right - width)]
    for (top, left) in tops.flatMap({ top in lefts.map { (top, $0) } }) {
      let frame = Drawing.Frame(left: left, top: top, width: width, height: height)
      guard isFree(frame) else { continue }
      taken.append(frame)
      return Found(
        text: .init(string: name, at: .init(frame.left, frame.bottom - 2.5), size: size))
    }
    return place(name, near: .init(box.left, box.top), size: size)
  }

  /// Directions in sixteenths of a turn: right, left, above, below, then between.
  private static let angles = [0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 13, 5, 11]

  private func isFree(_ frame: Drawing.Frame) -> Bool {
    frame.left >= area.left && frame.right <= area.right + 10 && frame.top >= area.top - 6
      && frame.bottom <= area.bottom - 1 && !taken.contains { $0.meets(frame.grown(1.5)) }
  }
}
