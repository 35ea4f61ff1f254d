import Foundation

/// A chart with axes, which is a part of a figure.
public protocol Chart: Sendable {
  /// Draws into its part of a drawing.
  func draw(into drawing: FigureDrawing, top: Double) -> FigureDrawing
}

/// A drawing that charts add to.
public struct FigureDrawing: Sendable {
  var drawing: Drawing
  /// The height of a chart, in points.
  let chartHeight: Double
}

/// Charts one below the other, as self-contained SVG and PDF files.
public struct Figure: Sendable {
  /// The charts from top to bottom.
  public var charts: [any Chart]
  /// Points across.
  public var width: Double
  /// The height of a chart, in points.
  public var chartHeight: Double

  /// A figure of the given charts.
  public init(_ charts: [any Chart], width: Double = 640, chartHeight: Double = 320) {
    (self.charts, self.width, self.chartHeight) = (charts, width, chartHeight)
  }

  /// The drawing of all charts.
  var drawing: Drawing {
    var figure = FigureDrawing(
      drawing: Drawing(width: width, height: chartHeight * Double(charts.count)),
      chartHeight: chartHeight)
    for (index, chart) in charts.enumerated() {
      figure = chart.draw(into: figure, top: Double(index) * chartHeight)
    }
    return figure.drawing
  }

  /// The figure as an SVG file.
  public var svg: Data { Data(drawing.svg().utf8) }

  /// The figure as a PDF file of its size.
  public var pdf: Data { drawing.pdf }

  /// The figure as an element of an HTML page that defines the colours.
  var inline: String { drawing.svg(.variables) }

  /// The width of figures that fit a column of a paper.
  static let columnWidth = 420.0
  /// The height of a chart in such a figure.
  static let columnHeight = 300.0
}

extension Figure {
  /// The figure's files, with their suffixes behind a name.
  public func files(_ name: String) -> [(name: String, content: Data)] {
    [("\(name).svg", svg), ("\(name).pdf", pdf)]
  }
}
