import Foundation

/// One chart of a figure on its way to SVG.
struct ChartDrawing {
  private let chart: LineChart
  private let x: AxisScale
  private let y: AxisScale
  private let top: Double

  /// Okabe and Ito's palette, which the colour-blind can tell apart; then dashes.
  private static let colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
  ]
  private static let left = 68.0
  private static let right = 20.0
  private static let above = 34.0
  private static let below = 46.0

  init(_ chart: LineChart, top: Double) {
    self.chart = chart
    self.top = top
    let points = chart.series.flatMap(\.points)
    x = AxisScale(
      points.map(\.x), from: Self.left, to: Figure.width - Self.right,
      isLogarithmic: chart.isLogarithmic)
    let values = chart.series.flatMap { series in
      series.points.indices.flatMap { index -> [Double] in
        let spread = series.spreads.isEmpty ? 0 : series.spreads[index]
        return [series.points[index].y - spread, series.points[index].y + spread]
      }
    }
    y = AxisScale(values, from: top + Figure.chartHeight - Self.below, to: top + Self.above)
  }

  /// The elements of the chart.
  var text: String {
    axes + chart.series.enumerated().map { line($1, colour($0), isDashed($0)) }.joined() + legend
  }

  private func colour(_ index: Int) -> String { Self.colours[index % Self.colours.count] }
  private func isDashed(_ index: Int) -> Bool { index >= Self.colours.count }

  private var axes: String {
    var text = SVG.text(
      chart.title, x: Self.left, y: top + 20, extra: "font-weight=\"bold\" font-size=\"14\"")
    let (bottom, end) = (y.from, x.to)
    for tick in y.ticks {
      let place = y.place(tick)
      text += SVG.line(Self.left, place, end, place, "#e2e2e2", 1)
      text += SVG.text(
        y.label(tick), x: Self.left - 8, y: place + 4, extra: "text-anchor=\"end\" fill=\"#444\"")
    }
    for tick in x.ticks {
      let place = x.place(tick)
      text += SVG.line(place, bottom, place, bottom + 4, "#444", 1)
      text += SVG.text(
        x.label(tick), x: place, y: bottom + 18, extra: "text-anchor=\"middle\" fill=\"#444\"")
    }
    text += SVG.line(Self.left, bottom, end, bottom, "#444", 1)
    text += SVG.text(
      chart.xTitle, x: (Self.left + end) / 2, y: bottom + 36, extra: "text-anchor=\"middle\"")
    let middle = (y.from + y.to) / 2
    text += SVG.text(
      chart.yTitle, x: 16, y: middle,
      extra: "text-anchor=\"middle\" transform=\"rotate(-90 16 \(SVG.number(middle)))\"")
    return text
  }

  private func line(_ series: LineChart.Series, _ colour: String, _ isDashed: Bool) -> String {
    let places = series.points.map { (x.place($0.x), y.place($0.y)) }
    var text = ""
    if series.isJoined && places.count > 1 {
      let path = places.map { "\(SVG.number($0.0)),\(SVG.number($0.1))" }.joined(separator: " ")
      text +=
        "<polyline points=\"\(path)\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"2\""
        + (isDashed ? " stroke-dasharray=\"6 3\"" : "") + "/>\n"
    }
    for (index, place) in places.enumerated() {
      if !series.spreads.isEmpty, series.spreads[index] > 0 {
        let (low, high) = (
          y.place(series.points[index].y - series.spreads[index]),
          y.place(series.points[index].y + series.spreads[index])
        )
        text += SVG.line(place.0, low, place.0, high, colour, 1.5)
        text += SVG.line(place.0 - 4, low, place.0 + 4, low, colour, 1.5)
        text += SVG.line(place.0 - 4, high, place.0 + 4, high, colour, 1.5)
      }
      if series.hasMarks || places.count == 1 {
        text +=
          "<circle cx=\"\(SVG.number(place.0))\" cy=\"\(SVG.number(place.1))\" r=\"4\" "
          + "fill=\"\(colour)\"/>\n"
      }
    }
    return text
  }

  /// The corner or middle of an edge where a box of the given extents covers least of the lines; the upper right of equals.
  private func emptiestPlace(_ width: Double, _ height: Double) -> (left: Double, top: Double) {
    let places = chart.series.flatMap(traced)
    let centre = (x.from + x.to - width) / 2
    let corners = [
      (left: x.to - width, top: y.to + 6), (x.to - width, y.from - height - 6),
      (x.from + 6, y.to + 6), (x.from + 6, y.from - height - 6), (centre, y.to + 6),
      (centre, y.from - height - 6),
    ]
    func covered(_ corner: (left: Double, top: Double)) -> Int {
      places.count {
        (corner.left - 6...corner.left + width + 6).contains($0.0)
          && (corner.top - 6...corner.top + height + 6).contains($0.1)
      }
    }
    return corners.min { covered($0) < covered($1) } ?? corners[0]
  }

  /// Places along a series: its points, and steps between those that are joined.
  private func traced(_ series: LineChart.Series) -> [(Double, Double)] {
    let places = series.points.map { (x.place($0.x), y.place($0.y)) }
    guard series.isJoined else { return places }
    let steps = 8
    return places
      + zip(places, places.dropFirst()).flatMap { a, b in
        (1..<steps).map { step -> (Double, Double) in
          let part = Double(step) / Double(steps)
          return (a.0 + part * (b.0 - a.0), a.1 + part * (b.1 - a.1))
        }
      }
  }

  /// Names in a corner, on white.
  private var legend: String {
    guard chart.series.count > 1 else { return "" }
    let longest = Double(chart.series.map(\.name.count).max() ?? 0)
    let width = longest * 6.6 + 40
    let (left, start) = emptiestPlace(width, Double(chart.series.count * 17 + 6))
    var text =
      "<rect x=\"\(SVG.number(left))\" y=\"\(SVG.number(start))\" width=\"\(SVG.number(width))\" "
      + "height=\"\(chart.series.count * 17 + 6)\" fill=\"#ffffff\" fill-opacity=\"0.85\"/>\n"
    for (index, series) in chart.series.enumerated() {
      let row = start + 14 + Double(index) * 17
      text += SVG.line(
        left + 6, row - 4, left + 26, row - 4, colour(index), 3, isDashed: isDashed(index))
      text += SVG.text(series.name, x: left + 32, y: row)
    }
    return text
  }
}

/// Pieces of SVG.
enum SVG {
  /// A coordinate with at most two decimals.
  static func number(_ value: Double) -> String {
    let text = String(format: "%.2f", value)
    return text.hasSuffix(".00") ? String(text.dropLast(3)) : text
  }

  static func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, _ width: Double,
    isDashed: Bool = false
  ) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" "
      + "stroke=\"\(colour)\" stroke-width=\"\(number(width))\""
      + (isDashed ? " stroke-dasharray=\"6 3\"" : "") + "/>\n"
  }

  static func text(_ text: String, x: Double, y: Double, extra: String = "") -> String {
    let escaped = text.replacingOccurrences(of: "&", with: "&amp;")
      .replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: ">", with: "&gt;")
    return "<text x=\"\(number(x))\" y=\"\(number(y))\"\(extra.isEmpty ? "" : " " + extra)>"
      + "\(escaped)</text>\n"
  }
}
