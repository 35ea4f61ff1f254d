import Foundation

/// One figure of a report.
public struct ReportFigure: Sendable {
  /// The name of its files, without suffix.
  public var name: String
  /// The caption for a paper.
  public var caption: String
  /// The figure; `nil` when the report lacks what it shows.
  public var make: @Sendable (ComparisonReport) -> Figure?

  /// Every figure; a new one is one more entry.
  public static let all: [ReportFigure] = [
    .accuracyVersusSize, .accuracyVersusMACs, .accuracyVersusLatency, .precisionRecall, .layers,
    .sideBySide,
  ]
}

extension ComparisonReport {
  /// The figures that can be drawn, with their descriptions.
  public var figures: [(description: ReportFigure, figure: Figure)] {
    ReportFigure.all.compactMap { description in
      description.make(self).map { (description, $0) }
    }
  }

  /// Models as points of a cost and mAP; `nil` with fewer than two.
  func tradeOff(
    _ title: String, _ xTitle: String, noise: Double = 0, cost: (ModelEvidence) -> Double?
  ) -> Figure? {
    let points = models.enumerated().compactMap { index, model -> TradeOffChart.Point? in
      guard let cost = cost(model), let ap = model.accuracy?["AP"], ap >= 0 else { return nil }
      let interval = model.apInterval.map { min($0.low, ap)...max($0.high, ap) }
      return .init(name: model.name, cost: cost, worth: ap, interval: interval, group: index)
    }
    guard points.count > 1 else { return nil }
    return Figure(
      [
        TradeOffChart(
          title: title, xTitle: xTitle, yTitle: "mAP (AP .50:.95)", points: points,
          barTitle: "95 % confidence", noise: noise)
      ], width: Figure.columnWidth, chartHeight: Figure.columnHeight)
  }
}
