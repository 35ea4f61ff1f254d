import Foundation

/// The part of a chart between its axes.
struct PlotArea {
  let x: AxisScale
  let y: AxisScale
  /// The heading's upper edge.
  let top: Double
  /// The area between the axes.
  var frame: Drawing.Frame {
    .init(left: x.from, top: y.to, width: x.to - x.from, height: y.from - y.to)
  }

  private static let left = 64.0
  private static let right = 16.0
  private static let above = 30.0
  private static let below = 42.0

  /// The area of a chart whose axes cover the given values.
  init(
    width: Double, height: Double, top: Double, x: [Double], y: [Double],
    axis: LineChart.Axis = .linear, below: Double = Self.below
  ) {
    self.top = top
    self.x = AxisScale(
      x, from: Self.left, to: width - Self.right, axis)
    self.y = AxisScale(y, from: top + height - below, to: top + Self.above)
  }

  func place(_ x: Double, _ y: Double) -> Drawing.Point {
    .init(self.x.place(x), self.y.place(y))
  }

  /// Draws the heading, the grid lines of the vertical axis and the ticks of both axes.
  func drawAxes(
    title: String, xTitle: String, yTitle: String, hasColumns: Bool = true,
    into drawing: inout Drawing
  ) {
    drawing.text(title, frame.left, top + 18, size: 12, isBold: true)
    for tick in y.ticks {
      let place = y.place(tick)
      drawing.line(.init(frame.left, place), .init(frame.right, place), .init(.grid))
      drawing.text(y.label(tick), frame.left - 7, place + 4, anchor: .end, ink: .faint)
    }
    if hasColumns { drawColumns(into: &drawing) }
    drawing.line(
      .init(frame.left, frame.bottom), .init(frame.right, frame.bottom), .init(.faint))
    drawing.text(xTitle, (frame.left + frame.right) / 2, frame.bottom + 33, anchor: .middle)
    drawing.text(
      yTitle, 15, (frame.top + frame.bottom) / 2, anchor: .middle, isUpward: true)
  }

  private func drawColumns(into drawing: inout Drawing) {
    var end = -Double.infinity
    for tick in x.ticks {
      let place = x.place(tick)
      drawing.line(.init(place, frame.bottom), .init(place, frame.bottom + 4), .init(.faint))
      // A tick label that would touch the one before it is left out.
      let half = Helvetica.width(x.label(tick), size: Drawing.textSize) / 2
      guard place - half > end + 4 else { continue }
      end = place + half
      drawing.text(x.label(tick), place, frame.bottom + 16, anchor: .middle, ink: .faint)
    }
  }
}

/// Shapes that distinguish series without colours.
enum Marker {
  /// The number of different shapes.
  static let count = 7

  /// The mark of a series; an open one is filled with the page's colour.
  static func element(
    _ series: Int, at place: Drawing.Point, isFilled: Bool, radius: Double = 4.5
  ) -> Drawing.Element {
    let fill: Ink = isFilled ? .series(series) : .paper
    let stroke = Drawing.Stroke(.series(series), width: 1.4)
    let corners: [(Double, Double)]
    // The eighth series has the colour of the first, so its shape must differ.
    switch (series + series / count) % count {
    case 0: return .circle(place, radius: radius, fill: fill, stroke: stroke)
    case 1: corners = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    case 2: corners = [(0, -1.15), (1.05, 0.85), (-1.05, 0.85)]
    case 3: corners = [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)]
    case 4: corners = [(0, 1.15), (1.05, -0.85), (-1.05, -0.85)]
    case 5:
      corners = [
        (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4), (0.4, 1.2),
        (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4),
      ]
    default:
      corners = (0..<10).map { corner in
        let angle = Double(corner) * .pi / 5
        let length = corner % 2 == 0 ? 1.3 : 0.55
        return (length * sin(angle), -length * cos(angle))
      }
    }
    return .path(
      corners.map { .init(place.x + $0.0 * radius, place.y + $0.1 * radius) }, isClosed: true,
      fill: fill, stroke: stroke)
  }
}

extension Drawing {
  /// A vertical error bar with ends, for a spread or an interval.
  mutating func bar(at x: Double, from low: Double, to high: Double, _ series: Int) {
    let stroke = Stroke(.series(series), width: 1.2)
    line(.init(x, low), .init(x, high), stroke)
    for end in [low, high] { line(.init(x - 3.5, end), .init(x + 3.5, end), stroke) }
  }
}
