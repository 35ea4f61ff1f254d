import Foundation

extension ReportFigure {
  /// The detections of models in images on which they disagree.
  static let sideBySide = ReportFigure(
    name: "detections",
    caption:
      "Images on which the first and the last model agree least, at the confidence they are run with: boxes that the other lacks are whole and named, shared ones dashed."
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
          scene: scene, models: shown,
          names: index == 0 ? shown.map { report.models[$0].name } : [],
          hasKey: index == report.disagreements.count - 1)
      }, width: width,
      chartHeight: min(height, 2 * panel) + DetectionPanels.head + DetectionPanels.foot)
  }
}

/// One image in several panels, each with the detections of one model.
struct DetectionPanels: Chart {
  var scene: Disagreement
  /// The indices of the models in the report.
  var models: [Int]
  /// The headings of the panels; empty for none.
  var names: [String]
  /// Whether a key for solid and dashed boxes is drawn below the panels.
  var hasKey: Bool

  /// The largest number of panels; more would be too small.
  static let mostModels = 3
  /// The most boxes of a panel, the most confident ones, up to half of them of this model alone;
  /// more would hide the image.
  static let mostBoxes = 12
  static let margin = 8.0
  /// Room above the panels.
  static let head = 20.0
  /// Room below the panels.
  static let foot = 14.0

  /// Draws the panels side by side.
  func draw(into figure: FigureDrawing, top: Double) -> FigureDrawing {
    var figure = figure
    let count = Double(models.count)
    let room = (figure.drawing.width - Self.margin * (count + 1)) / count
    let scale = min(
      room / Double(scene.width),
      (figure.chartHeight - Self.head - Self.foot) / Double(scene.height))
    for (column, model) in models.enumerated() {
      let left = Self.margin + Double(column) * (room + Self.margin)
      let frame = Drawing.Frame(
        left: left, top: top + Self.head - 4, width: scale * Double(scene.width),
        height: scale * Double(scene.height))
      if column < names.count {
        figure.drawing.text(
          Helvetica.fitting(names[column], room / 1.1, size: 10), left, top + 11, size: 10,
          isBold: true)
      }
      figure.drawing.add(
        .picture(.init(jpeg: scene.jpeg, width: scene.width, height: scene.height), frame))
      var placement = LabelPlacement(area: frame)
      drawBoxes(model, in: frame, scale, &placement, &figure.drawing)
    }
    if hasKey { drawKey(at: top + figure.chartHeight - 6, into: &figure.drawing) }
    return figure
  }

  private func drawKey(at y: Double, into drawing: inout Drawing) {
    var x = Self.margin
    for (stroke, name) in [
      (Drawing.Stroke(.faint, width: 1.6), "found by this model alone"),
      (Drawing.Stroke(.faint, width: 0.8, dashes: Self.dashes), "found by the other as well"),
    ] {
      drawing.line(.init(x, y - 3), .init(x + 18, y - 3), stroke)
      drawing.text(name, x + 22, y, size: 8, ink: .faint)
      x += 34 + Helvetica.room(name, size: 8)
    }
  }

  private static let dashes = [3.0, 2]

  /// Draws the boxes of a model.
  ///
  /// Boxes that the model at the other end of the report does not find are solid and named; shared
  /// ones are dashed.
  private func drawBoxes(
    _ model: Int, in frame: Drawing.Frame, _ scale: Double, _ placement: inout LabelPlacement,
    _ drawing: inout Drawing
  ) {
    let all = scene.boxes[model]
    let other = model == 0 ? scene.boxes[scene.boxes.count - 1] : scene.boxes[0]
    let lonely = Set(Disagreement.alone(all, beside: other))
    let byScore = all.indices.sorted { all[$0].confidence > all[$1].confidence }
    let named = byScore.filter(lonely.contains).prefix(Self.mostBoxes / 2)
    let shown = named + byScore.filter { !named.contains($0) }.prefix(Self.mostBoxes - named.count)
    let boxes = shown.map { all[$0] }
    let alone = Set(shown.indices.filter { lonely.contains(shown[$0]) })
    let outlines = boxes.map { outline($0, in: frame, scale) }
    for (index, box) in boxes.enumerated() {
      let isAlone = alone.contains(index)
      let stroke = Drawing.Stroke(
        .series(model), width: isAlone ? 1.6 : 0.8, dashes: isAlone ? [] : Self.dashes)
      // White below the colour, so that the line is visible on any background.
      drawing.add(
        Drawing.rectangle(
          outlines[index], fill: nil, stroke: .init(.paper, width: stroke.width + 1)))
      drawing.add(
        .hint(
          Self.label(box), [Drawing.rectangle(outlines[index], fill: nil, stroke: stroke)]))
    }
    for index in alone.sorted() {
      let box = outlines[index]
      guard let found = placement.place(Self.label(boxes[index]), at: box, size: 7) else {
        continue
      }
      if let leader = found.leader {
        drawing.line(.init(box.left, box.top), leader, .init(.series(model), width: 0.6))
      }
      let width = Helvetica.room(found.text.string, size: 7) + 1
      drawing.fill(
        .init(left: found.text.at.x - 1, top: found.text.at.y - 6.5, width: width, height: 8.5),
        .paper)
      drawing.add(.text(found.text))
    }
  }

  private static func label(_ box: Disagreement.Box) -> String {
    "\(box.name) " + String(format: "%.2f", box.confidence)
  }

  /// A box in the coordinates of its panel, clipped at the panel's edges.
  private func outline(
    _ box: Disagreement.Box, in frame: Drawing.Frame, _ scale: Double
  ) -> Drawing.Frame {
    let left = max(frame.left, frame.left + scale * box.left)
    let top = max(frame.top, frame.top + scale * box.top)
    let right = min(frame.right, frame.left + scale * (box.left + box.width))
    let bottom = min(frame.bottom, frame.top + scale * (box.top + box.height))
    return .init(left: left, top: top, width: max(right - left, 0), height: max(bottom - top, 0))
  }
}
