import Foundation

/// Lines or points over a horizontal axis.
public struct LineChart: Chart {
  /// One line.
  public struct Series: Sendable {
    /// The name in the legend.
    public var name: String
    /// The points, by ascending x.
    public var points: [(x: Double, y: Double)]
    /// Half the length of the error bar at each point; empty for none.
    public var spreads: [Double]
    /// Whether the points are marked.
    public var hasMarks: Bool
    /// Whether the points are connected by lines.
    public var isJoined: Bool

    /// A line through the given points.
    ///
    /// Points that are not finite are left out.
    public init(
      name: String, points: [(x: Double, y: Double)], spreads: [Double] = [],
      hasMarks: Bool = false, isJoined: Bool = true
    ) {
      self.name = name
      let kept = points.indices.filter { points[$0].x.isFinite && points[$0].y.isFinite }
      self.points = kept.map { points[$0] }
      self.spreads = spreads.isEmpty ? [] : kept.map { spreads[$0] }
      self.hasMarks = hasMarks
      self.isJoined = isJoined
    }
  }

  /// The heading.
  public var title: String
  /// The title of the horizontal axis.
  public var xTitle: String
  /// The title of the vertical axis.
  public var yTitle: String
  /// The lines, in the order of the legend.
  public var series: [Series]
  /// The horizontal axis.
  public var axis: Axis

  /// The kind of a horizontal axis.
  public enum Axis: Sendable {
    case linear, logarithmic
    /// With ticks at integers only, as for epochs and layers.
    case counted
  }

  /// A chart of the given lines.
  public init(
    title: String, xTitle: String, yTitle: String, series: [Series], axis: Axis = .linear
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.series = series
    self.axis = axis
  }

  /// Draws the lines and axes, with a legend where it covers no line, else beside the chart.
  public func draw(into figure: FigureDrawing, top: Double) -> FigureDrawing {
    var figure = figure
    let points = series.flatMap(\.points)
    let values = series.flatMap { series in
      series.points.indices.flatMap { index -> [Double] in
        let spread = series.spreads.isEmpty ? 0 : series.spreads[index]
        return [series.points[index].y - spread, series.points[index].y + spread]
      }
    }
    func plot(beside: Double) -> PlotArea {
      PlotArea(
        width: figure.drawing.width - beside, height: figure.chartHeight, top: top,
        x: points.map(\.x), y: values, axis: axis)
    }
    var area = plot(beside: 0)
    let legend = self.legend
    var place = legend?.emptiest(series.flatMap { traced($0, area) }, area.frame)
    if let legend, place == nil {
      area = plot(beside: legend.width)
      place = .init(
        left: area.frame.right + 8, top: area.frame.top, width: legend.width, height: legend.height)
    }
    area.drawAxes(title: title, xTitle: xTitle, yTitle: yTitle, into: &figure.drawing)
    for (index, line) in series.enumerated() { draw(line, index, area, into: &figure.drawing) }
    if let legend, let place { legend.draw(in: place, into: &figure.drawing) }
    return figure
  }

  private func draw(_ line: Series, _ index: Int, _ plot: PlotArea, into drawing: inout Drawing) {
    let places = line.points.map { plot.place($0.x, $0.y) }
    if line.isJoined && places.count > 1 {
      drawing.path(
        places, .init(.series(index), width: 1.8, dashes: Ink.dashes(index)))
    }
    for (point, place) in places.enumerated() {
      let spread = line.spreads.isEmpty ? 0 : line.spreads[point]
      let y = line.points[point].y
      if spread > 0 {
        drawing.bar(
          at: place.x, from: plot.y.place(y - spread), to: plot.y.place(y + spread), index)
      }
      if line.hasMarks || places.count == 1 {
        let values = "\(plot.x.label(line.points[point].x)), \(plot.y.label(y))"
        drawing.add(
          .hint("\(line.name): \(values)", [Marker.element(index, at: place, isFilled: true)]))
      }
    }
  }

  /// `nil` for a single line.
  private var legend: Legend? {
    guard series.count > 1 else { return nil }
    return Legend(
      entries: series.enumerated().map { index, line in
        .init(
          name: line.name, series: index, hasLine: line.isJoined, hasMark: line.hasMarks)
      })
  }

  /// Positions along a series: its points, and points on the lines between them.
  private func traced(_ series: Series, _ plot: PlotArea) -> [Drawing.Point] {
    let places = series.points.map { plot.place($0.x, $0.y) }
    guard series.isJoined else { return places }
    let steps = 8
    return places
      + zip(places, places.dropFirst()).flatMap { a, b in
        (1..<steps).map { step -> Drawing.Point in
          let part = Double(step) / Double(steps)
          return Drawing.Point(a.x + part * (b.x - a.x), a.y + part * (b.y - a.y))
        }
      }
  }
}
