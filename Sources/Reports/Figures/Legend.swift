/// Names beside samples of lines and marks, on the page's background colour.
struct Legend {
  /// One row.
  struct Entry {
    var name: String
    var series: Int
    var hasLine = true
    var hasMark = false
    var isFilled = true
  }

  var entries: [Entry]

  private static let row = 15.0
  private static let sample = 28.0

  /// Points across.
  var width: Double {
    (entries.map { Helvetica.room($0.name, size: Self.size) }.max() ?? 0) + Self.sample + 12
  }
  /// Points down.
  var height: Double { Double(entries.count) * Self.row + 6 }

  /// Draws the rows.
  func draw(in frame: Drawing.Frame, into drawing: inout Drawing) {
    drawing.fill(frame, .paper)
    for (index, entry) in entries.enumerated() {
      let middle = frame.top + 10 + Double(index) * Self.row
      let start = Drawing.Point(frame.left + 4, middle)
      let end = Drawing.Point(frame.left + 4 + Self.sample - 6, middle)
      if entry.hasLine {
        drawing.line(
          start, end, .init(.series(entry.series), width: 2, dashes: Ink.dashes(entry.series)))
      }
      if entry.hasMark {
        drawing.add(
          Marker.element(
            entry.series, at: .init((start.x + end.x) / 2, middle), isFilled: entry.isFilled,
            radius: 3.8))
      }
      drawing.text(entry.name, frame.left + Self.sample + 4, middle + 3.5, size: Self.size)
    }
  }

  static let size = 10.0

  /// The first position along the edges of an area, from the upper right on, at which the legend
  /// covers none of the given points; `nil` when there is none.
  func emptiest(_ places: [Drawing.Point], _ area: Drawing.Frame) -> Drawing.Frame? {
    let (far, low) = (area.right - width - 4, area.bottom - height - 4)
    let (near, high) = (area.left + 4, area.top + 2)
    let (centre, middle) = ((near + far) / 2, (high + low) / 2)
    let corners = [
      (far, high), (far, low), (near, high), (near, low), (centre, high), (centre, low),
      (far, middle), (near, middle),
    ].map { Drawing.Frame(left: $0.0, top: $0.1, width: width, height: height) }
    return corners.first { frame in
      let wide = frame.grown(6)
      return !places.contains {
        (wide.left...wide.right).contains($0.x) && (wide.top...wide.bottom).contains($0.y)
      }
    }
  }
}
