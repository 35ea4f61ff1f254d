import Foundation

/// A log of training by epoch, as a table and a figure.
public struct TrainingLog: Codable, Sendable, Equatable {
  /// One epoch.
  public struct Epoch: Codable, Sendable, Equatable {
    /// The epoch, counted from 1.
    public var epoch: Int
    /// Steps of the optimiser so far.
    public var step: Int
    /// The learning rate at its end.
    public var learningRate: Double
    /// The mean of each part of the loss.
    public var losses: [Double]
    /// Figures of the validation by name; empty when the epoch was not validated.
    public var metrics: [String: Double]
    /// The fraction of weights that masks keep at zero.
    public var sparsity: Double?
    /// Wall time of the training part; varies between runs.
    public var seconds: Double
    /// Images per second of the training part; varies between runs.
    public var imagesPerSecond: Double

    /// An epoch.
    public init(
      epoch: Int, step: Int, learningRate: Double, losses: [Double],
      metrics: [String: Double] = [:], sparsity: Double? = nil, seconds: Double = 0,
      imagesPerSecond: Double = 0
    ) {
      self.epoch = epoch
      self.step = step
      self.learningRate = learningRate
      self.losses = losses
      self.metrics = metrics
      self.sparsity = sparsity
      self.seconds = seconds
      self.imagesPerSecond = imagesPerSecond
    }
  }

  /// The heading.
  public var title: String
  /// The names of the parts of the loss.
  public var lossNames: [String]
  /// The names of the validation's figures, the chief one first.
  public var metricNames: [String]
  /// The epochs, in order.
  public var epochs: [Epoch]

  /// A log of the given epochs.
  public init(title: String, lossNames: [String], metricNames: [String], epochs: [Epoch]) {
    self.title = title
    self.lossNames = lossNames
    self.metricNames = metricNames
    self.epochs = epochs
  }

  /// One row for each epoch.
  ///
  /// Columns that vary between runs are marked by an asterisk.
  public var csv: Data {
    let hasSparsity = epochs.contains { $0.sparsity != nil }
    var rows = [
      ["epoch", "step", "learningRate"] + lossNames.map { "loss/\($0)" } + ["loss"] + metricNames
        + (hasSparsity ? ["sparsity"] : []) + ["seconds*", "imagesPerSecond*"]
    ]
    for epoch in epochs {
      rows.append(
        ["\(epoch.epoch)", "\(epoch.step)", String(format: "%.8g", epoch.learningRate)]
          + epoch.losses.map(CSV.number) + [CSV.number(epoch.losses.reduce(0, +))]
          + metricNames.map { epoch.metrics[$0].map(CSV.number) ?? "" }
          + (hasSparsity ? [epoch.sparsity.map(CSV.number) ?? ""] : [])
          + [
            String(format: "%.2f", epoch.seconds), String(format: "%.1f", epoch.imagesPerSecond),
          ])
    }
    return CSV.data(rows)
  }

  /// Losses above, validation figures below.
  public var figure: Figure {
    func points(_ value: (Epoch) -> Double?) -> [(x: Double, y: Double)] {
      epochs.compactMap { epoch in value(epoch).map { (Double(epoch.epoch), $0) } }
    }
    var charts = [
      LineChart(
        title: title, xTitle: "epoch", yTitle: "training loss",
        series: lossNames.indices.map { index in
          .init(name: lossNames[index], points: points { $0.losses[index] })
        }
          + (lossNames.count > 1
            ? [.init(name: "total", points: points { $0.losses.reduce(0, +) })] : []),
        axis: .counted)
    ]
    var measures = metricNames.map { name in
      LineChart.Series(name: name, points: points { $0.metrics[name] }, hasMarks: true)
    }
    if epochs.contains(where: { $0.sparsity != nil }) {
      measures.append(.init(name: "sparsity", points: points(\.sparsity)))
    }
    measures.removeAll { $0.points.isEmpty }
    if !measures.isEmpty {
      charts.append(
        LineChart(
          title: "Validation", xTitle: "epoch", yTitle: "AP", series: measures, axis: .counted))
    }
    return Figure(charts)
  }
}
