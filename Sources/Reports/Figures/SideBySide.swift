import Foundation

extension ReportFigure {
  /// What models find in images on which they disagree.
  static let sideBySide = ReportFigure(
    name: "detections",
    caption:
      "Images on which the first and the last model agree least, at the confidence they are run with."
  ) { report in
    guard let first = report.disagreements.first else { return nil }
    let count = min(report.models.count, DetectionPanels.mostModels)
    let shown = count < report.models.count ? [0, report.models.count - 1] : Array(0..<count)
    let width = Figure.columnWidth
    let panel = (width - DetectionPanels.margin * Double(shown.count + 1)) / Double(shown.count)
    let height = panel * Double(first.height) / Double(max(first.width, 1))
    return Figure(
      report.disagreements.enumerated().map { index, scene in
        DetectionPanels(
          scene: scene, models: shown, names: index == 0 ? shown.map { report.models[$0].name } : []
        )
      }, width: width, chartHeight: min(height, 2 * panel) + DetectionPanels.head)
  }
}

/// One image several times over, with what each model finds in it.
struct DetectionPanels: Chart {
  var scene: Disagreement
  /// The places of the models in the report.
  var models: [Int]
  /// What stands above the panels; empty for nothing.
  var names: [String]

  /// More panels would be too small to see anything in.
  static let mostModels = 3
  static let margin = 8.0
  /// Room above the panels.
  static let head = 20.0

  /// Draws the panels side by side.
  func draw(into figure: FigureDrawing, top: Double) -> FigureDrawing {
    var figure = figure
    let count = Double(models.count)
    let room = (figure.drawing.width - Self.margin * (count + 1)) / count
    let scale = min(
      room / Double(scene.width), (figure.chartHeight - Self.head) / Double(scene.height))
    for (column, model) in models.enumerated() {
      let left = Self.margin + Double(column) * (room + Self.margin)
      let frame = Drawing.Frame(
        left: left, top: top + Self.head - 4, width: scale * Double(scene.width),
        height: scale * Double(scene.height))
      if column < names.count {
        figure.drawing.text(names[column], left, top + 11, size: 10, isBold: true)
      }
      figure.drawing.add(
        .picture(.init(jpeg: scene.jpeg, width: scene.width, height: scene.height), frame))
      var placement = LabelPlacement(area: frame)
      for box in scene.boxes[model] {
        draw(box, in: frame, scale, model, &placement, &figure.drawing)
      }
    }
    return figure
  }

  private func draw(
    _ box: Disagreement.Box, in frame: Drawing.Frame, _ scale: Double, _ model: Int,
    _ placement: inout LabelPlacement, _ drawing: inout Drawing
  ) {
    let left = max(frame.left, frame.left + scale * box.left)
    let top = max(frame.top, frame.top + scale * box.top)
    let right = min(frame.right, frame.left + scale * (box.left + box.width))
    let bottom = min(frame.bottom, frame.top + scale * (box.top + box.height))
    let outline = Drawing.Frame(left: left, top: top, width: right - left, height: bottom - top)
    let text = "\(box.name) " + String(format: "%.2f", box.confidence)
    // White below the colour, so that the line shows on any ground.
    drawing.add(Drawing.rectangle(outline, fill: nil, stroke: .init(.paper, width: 2.4)))
    drawing.add(
      .hint(
        text, [Drawing.rectangle(outline, fill: nil, stroke: .init(.series(model), width: 1.2))])
    )
    guard let found = placement.place(text, near: .init(left, top), size: 7) else { return }
    let back = Drawing.Frame(
      left: found.text.at.x - 1, top: found.text.at.y - 6.5,
      width: Helvetica.room(text, size: 7) + 1, height: 8.5)
    drawing.fill(back, .paper)
    drawing.add(.text(found.text))
  }
}
