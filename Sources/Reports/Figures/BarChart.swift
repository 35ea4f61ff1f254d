import Foundation

/// Groups of bars side by side, over named categories.
public struct BarChart: Chart {
  /// The heading.
  public var title: String
  /// The title of the categories.
  public var xTitle: String
  /// The title of the vertical axis.
  public var yTitle: String
  /// The categories, from left to right.
  public var names: [String]
  /// The bars of each group by category; `nil` for none.
  public var groups: [(name: String, values: [Double?])]

  /// A chart of the given bars.
  public init(
    title: String, xTitle: String, yTitle: String, names: [String],
    groups: [(name: String, values: [Double?])]
  ) {
    (self.title, self.xTitle, self.yTitle) = (title, xTitle, yTitle)
    (self.names, self.groups) = (names, groups)
  }

  /// Draws the bars from zero upwards, with the names of the categories below.
  public func draw(into figure: FigureDrawing, top: Double) -> FigureDrawing {
    var figure = figure
    let longest = names.map { Helvetica.room($0, size: Self.nameSize) }.max() ?? 0
    let legendTop = legendRow(figure.drawing.width)
    let plot = PlotArea(
      width: figure.drawing.width, height: figure.chartHeight - legendTop, top: top + legendTop,
      x: [0, Double(max(names.count, 1))],
      y: [0] + groups.flatMap { $0.values.compactMap { $0 }.filter(\.isFinite) },
      below: min(longest, figure.chartHeight / 2) + 32)
    figure.drawing.text(title, plot.frame.left, top + 18, size: 12, isBold: true)
    plot.drawAxes(
      title: "", xTitle: "", yTitle: yTitle, hasColumns: false, into: &figure.drawing)
    let step = plot.frame.width / Double(max(names.count, 1))
    let width = 0.8 * step / Double(max(groups.count, 1))
    for (place, name) in names.enumerated() {
      let left = plot.frame.left + (Double(place) + 0.1) * step
      for (index, group) in groups.enumerated() {
        guard let value = group.values[place], value.isFinite else { continue }
        draw(
          value, .init(left: left + Double(index) * width, top: 0, width: width, height: 0),
          index, hint: "\(group.name), \(name): \(plot.y.label(value))", plot, &figure.drawing)
      }
      figure.drawing.text(
        name, left + 0.4 * step + Self.nameSize * 0.35, plot.frame.bottom + 5, anchor: .end,
        size: Self.nameSize, isUpward: true, ink: .faint)
    }
    figure.drawing.text(
      xTitle, (plot.frame.left + plot.frame.right) / 2, top + figure.chartHeight - 8,
      anchor: .middle)
    drawLegend(plot, step, into: &figure.drawing)
    return figure
  }

  private static let nameSize = 8.0

  /// Draws one bar.
  ///
  /// Groups differ in colour and in filling: solid, striped, open.
  private func draw(
    _ value: Double, _ column: Drawing.Frame, _ group: Int, hint: String, _ plot: PlotArea,
    _ drawing: inout Drawing
  ) {
    let (low, high) = (plot.y.place(0), plot.y.place(value))
    let frame = Drawing.Frame(
      left: column.left, top: min(low, high), width: column.width, height: abs(low - high))
    drawing.add(.hint(hint, Self.bar(frame, group)))
  }

  private static func bar(_ frame: Drawing.Frame, _ group: Int) -> [Drawing.Element] {
    let stroke = Drawing.Stroke(.series(group), width: 0.8)
    var parts = [
      Drawing.rectangle(frame, fill: group % 3 == 0 ? .series(group) : .paper, stroke: stroke)
    ]
    guard group % 3 == 1 else { return parts }
    var y = frame.bottom - 2.5
    while y > frame.top {
      parts.append(
        .path(
          [.init(frame.left, y), .init(frame.right, y)], isClosed: false, fill: nil,
          stroke: stroke))
      y -= 2.5
    }
    return parts
  }

  /// The room that the legend takes below the heading: none where it fits beside it.
  private func legendRow(_ width: Double) -> Double {
    guard groups.count > 1 else { return 0 }
    let legend = groups.reduce(0) { $0 + Helvetica.room($1.name, size: Legend.size) + 26 }
    return legend + 1.15 * Helvetica.room(title, size: 12) + 96 > width ? 16 : 0
  }

  private func drawLegend(_ plot: PlotArea, _ step: Double, into drawing: inout Drawing) {
    guard groups.count > 1 else { return }
    var right = plot.frame.right
    for (index, group) in groups.enumerated().reversed() {
      let width = Helvetica.room(group.name, size: Legend.size)
      drawing.text(group.name, right - width, plot.top + 18, size: Legend.size)
      let box = Drawing.Frame(left: right - width - 15, top: plot.top + 9.5, width: 10, height: 9)
      for part in Self.bar(box, index) { drawing.add(part) }
      right -= width + 26
    }
  }
}
