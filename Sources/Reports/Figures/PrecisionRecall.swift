extension ReportFigure {
  /// Precision over recall at IoU .50, the mean over classes.
  static let precisionRecall = ReportFigure(
    name: "precision-recall",
    caption: "Precision against recall at IoU .50, mean over classes with labelled objects."
  ) { report in
    let series = report.models.compactMap { model -> LineChart.Series? in
      guard let curve = model.precisionAt50, curve.count > 1 else { return nil }
      return .init(
        name: model.name,
        points: curve.enumerated().map { (Double($0.offset) / Double(curve.count - 1), $0.element) }
      )
    }
    guard !series.isEmpty else { return nil }
    return Figure(
      [
        LineChart(
          title: "Precision and recall", xTitle: "recall at IoU .50", yTitle: "precision",
          series: Array(series.prefix(Ink.seriesCount)))
      ], width: Figure.columnWidth, chartHeight: Figure.columnHeight)
  }
}
