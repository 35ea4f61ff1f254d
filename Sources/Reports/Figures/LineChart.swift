import Foundation

/// Lines or points over a horizontal axis, drawn as SVG.
public struct LineChart: Sendable {
  /// One line.
  public struct Series: Sendable {
    /// What the legend calls it.
    public var name: String
    /// The points, by ascending x.
    public var points: [(x: Double, y: Double)]
    /// Half the length of the bar through each point; empty for none.
    public var spreads: [Double]
    /// Whether the points are marked.
    public var hasMarks: Bool
    /// Whether the points are joined.
    public var isJoined: Bool

    /// A line through the given points; those that are not finite are left out.
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
  /// What the horizontal axis counts.
  public var xTitle: String
  /// What the vertical axis counts.
  public var yTitle: String
  /// The lines, in the order of the legend.
  public var series: [Series]
  /// Whether the horizontal axis is logarithmic.
  public var isLogarithmic: Bool

  /// A chart of the given lines.
  public init(
    title: String, xTitle: String, yTitle: String, series: [Series], isLogarithmic: Bool = false
  ) {
    self.title = title
    self.xTitle = xTitle
    self.yTitle = yTitle
    self.series = series
    self.isLogarithmic = isLogarithmic
  }
}

/// Charts one below the other, as a self-contained SVG file.
public struct Figure: Sendable {
  /// The charts from top to bottom.
  public var charts: [LineChart]

  /// A figure of the given charts.
  public init(_ charts: [LineChart]) { self.charts = charts }

  /// Pixels across.
  static let width = 720.0
  /// Pixels a chart is high.
  static let chartHeight = 340.0

  /// The file.
  public var svg: Data {
    let height = Self.chartHeight * Double(charts.count)
    var text =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(SVG.number(Self.width)) "
      + "\(SVG.number(height))\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n"
      + "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    for (index, chart) in charts.enumerated() {
      text += ChartDrawing(chart, top: Double(index) * Self.chartHeight).text
    }
    return Data((text + "</svg>\n").utf8)
  }
}
