import Foundation

/// The elements of a figure, in points from its upper left corner.
///
/// ``svg(_:)`` and ``pdf`` draw the same.
struct Drawing: Sendable {
  /// A point.
  struct Point: Sendable, Equatable {
    var x: Double
    var y: Double

    init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
  }

  /// An upright rectangle.
  struct Frame: Sendable, Equatable {
    var left: Double
    var top: Double
    var width: Double
    var height: Double

    var right: Double { left + width }
    var bottom: Double { top + height }

    /// Whether the two overlap.
    func meets(_ other: Frame) -> Bool {
      left < other.right && other.left < right && top < other.bottom && other.top < bottom
    }

    /// The rectangle with a margin on every side.
    func grown(_ margin: Double) -> Frame {
      Frame(
        left: left - margin, top: top - margin, width: width + 2 * margin,
        height: height + 2 * margin)
    }
  }

  /// How a line is drawn.
  struct Stroke: Sendable, Equatable {
    var ink: Ink
    var width: Double
    /// Lengths of dashes and gaps in turn; empty for a solid line.
    var dashes: [Double]

    init(_ ink: Ink, width: Double = 1, dashes: [Double] = []) {
      (self.ink, self.width, self.dashes) = (ink, width, dashes)
    }
  }

  /// How a text is aligned at its position.
  enum Anchor: Sendable { case start, middle, end }

  /// A line of text.
  struct Text: Sendable, Equatable {
    var string: String
    /// The position on the base line.
    var at: Point
    var size = Drawing.textSize
    var anchor = Anchor.start
    var isBold = false
    /// Whether it reads upwards.
    var isUpward = false
    var ink = Ink.text

    /// The width it takes.
    var width: Double { Helvetica.width(string, size: size, isBold: isBold) }
  }

  /// A photograph, as the bytes of a JPEG file.
  struct Picture: Sendable, Equatable {
    var jpeg: Data
    var width: Int
    var height: Int
  }

  /// One thing that is drawn.
  enum Element: Sendable, Equatable {
    case path([Point], isClosed: Bool, fill: Ink?, stroke: Stroke?)
    case circle(Point, radius: Double, fill: Ink?, stroke: Stroke?)
    case text(Text)
    case picture(Picture, Frame)
    /// Elements that show a text when the pointer is on them.
    case hint(String, [Element])
  }

  /// Points across.
  var width: Double
  /// Points down.
  var height: Double
  /// What is drawn, from back to front.
  private(set) var elements: [Element] = []

  /// The default size of text.
  static let textSize = 11.0

  /// An empty drawing.
  init(width: Double, height: Double) { (self.width, self.height) = (width, height) }

  mutating func add(_ element: Element) { elements.append(element) }

  mutating func line(_ from: Point, _ to: Point, _ stroke: Stroke) {
    add(.path([from, to], isClosed: false, fill: nil, stroke: stroke))
  }

  mutating func path(_ points: [Point], _ stroke: Stroke) {
    add(.path(points, isClosed: false, fill: nil, stroke: stroke))
  }

  mutating func fill(_ frame: Frame, _ ink: Ink, stroke: Stroke? = nil) {
    add(Self.rectangle(frame, fill: ink, stroke: stroke))
  }

  mutating func text(
    _ string: String, _ x: Double, _ y: Double, anchor: Anchor = .start,
    size: Double = Drawing.textSize, isBold: Bool = false, isUpward: Bool = false,
    ink: Ink = .text
  ) {
    add(
      .text(
        Text(
          string: string, at: Point(x, y), size: size, anchor: anchor, isBold: isBold,
          isUpward: isUpward, ink: ink)))
  }

  static func rectangle(_ frame: Frame, fill: Ink?, stroke: Stroke?) -> Element {
    .path(
      [
        Point(frame.left, frame.top), Point(frame.right, frame.top),
        Point(frame.right, frame.bottom), Point(frame.left, frame.bottom),
      ], isClosed: true, fill: fill, stroke: stroke)
  }
}

/// The colours by role, so that a page may be light or dark.
enum Ink: Sendable, Equatable {
  case paper, text, faint, grid
  /// One of the colours that distinguish models.
  case series(Int)

  /// Okabe and Ito's palette, which colour-blind readers can distinguish.
  private static let palette: [UInt32] = [
    0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x000000,
  ]

  /// The number of different colours.
  static let seriesCount = palette.count

  /// Red, green and blue on a light page.
  var rgb: UInt32 {
    switch self {
    case .paper: 0xffffff
    case .text: 0x1a1a1a
    case .faint: 0x555555
    case .grid: 0xe2e2e2
    case .series(let index): Self.palette[index % Self.palette.count]
    }
  }

  /// `#rrggbb`.
  var hexadecimal: String { String(format: "#%06x", rgb) }

  /// The name of a style sheet's variable for it.
  var variable: String {
    switch self {
    case .paper: "--paper"
    case .text: "--text"
    case .faint: "--faint"
    case .grid: "--grid"
    case .series(let index): "--series-\(index % Self.palette.count)"
    }
  }

  /// Dashes that go with the colour of a series, so that lines differ without colours.
  static func dashes(_ index: Int) -> [Double] {
    let patterns: [[Double]] = [
      [], [7, 3], [2, 2], [8, 3, 2, 3], [12, 4], [5, 2, 1, 2, 1, 2], [1, 3],
    ]
    return patterns[(index + index / patterns.count) % patterns.count]
  }
}
