import Foundation

/// The part of a report about factorised layers: a table of layers and their spectra.
public struct LowRankReport: Sendable {
  /// One factorised layer.
  public struct RankRow: Sendable {
    /// The name of its weights.
    public var name: String
    /// The method of factorisation.
    public var method: String
    /// Its rank.
    public var rank: String
    /// The relative error of its weights.
    public var error: Double
    /// Weights before and after.
    public var parameters: (before: Int, after: Int)
    /// Multiply–accumulates before and after.
    public var macs: (before: Int, after: Int)
    /// Milliseconds before and after; `nil` when they were not measured.
    public var latency: (before: Double, after: Double)?
    /// Singular values by unfolding, largest first; empty when there are none.
    public var spectra: [[Double]]

    /// A layer of the given figures.
    public init(
      name: String, method: String, rank: String, error: Double,
      parameters: (before: Int, after: Int), macs: (before: Int, after: Int),
      latency: (before: Double, after: Double)?, spectra: [[Double]]
    ) {
      (self.name, self.method, self.rank, self.error) = (name, method, rank, error)
      (self.parameters, self.macs, self.latency) = (parameters, macs, latency)
      self.spectra = spectra
    }
  }

  /// One layer whose last stage was refitted to responses.
  public struct Refit: Sendable {
    /// The name of its weights.
    public var name: String
    /// The relative squared error of its responses before.
    public var errorBefore: Double
    /// The same after.
    public var errorAfter: Double

    /// The errors of a layer.
    public init(name: String, errorBefore: Double, errorAfter: Double) {
      (self.name, self.errorBefore, self.errorAfter) = (name, errorBefore, errorAfter)
    }
  }

  /// The factorised layers, in order.
  public var layers: [RankRow]
  /// The refitted layers, in order; empty without.
  public var refits: [Refit]
  /// The layers that stay, with the reason.
  public var skipped: [(name: String, reason: String)]

  /// A report of the given parts.
  public init(layers: [RankRow], refits: [Refit], skipped: [(name: String, reason: String)]) {
    (self.layers, self.refits, self.skipped) = (layers, refits, skipped)
  }

  /// All layers as comma-separated values; latencies vary between runs.
  public var csv: Data {
    let head = [
      "layer", "method", "rank", "weightError", "parametersBefore", "parametersAfter", "macsBefore",
      "macsAfter", "latencyBeforeMs", "latencyAfterMs", "keptBecause",
    ]
    let rows = layers.map { layer in
      [
        layer.name, layer.method, layer.rank, CSV.number(layer.error),
        "\(layer.parameters.before)", "\(layer.parameters.after)", "\(layer.macs.before)",
        "\(layer.macs.after)", layer.latency.map { CSV.number($0.before) } ?? "",
        layer.latency.map { CSV.number($0.after) } ?? "", "",
      ]
    }
    let rest = skipped.map { layer -> [String] in
      var row = [String](repeating: "", count: head.count)
      (row[0], row[head.count - 1]) = (layer.name, layer.reason)
      return row
    }
    return CSV.data([head] + rows + rest)
  }

  /// The refitted layers as comma-separated values.
  public var refitsCSV: Data {
    CSV.data(
      [["layer", "errorBefore", "errorAfter"]]
        + refits.map { [$0.name, CSV.number($0.errorBefore), CSV.number($0.errorAfter)] })
  }

  /// Singular values of the layers with the most weights, relative to the largest of each layer.
  public var spectraFigure: Figure {
    let shown = layers.filter { !$0.spectra.isEmpty }.sorted {
      $0.parameters.before > $1.parameters.before
    }.prefix(Ink.seriesCount)
    let series = shown.map { layer -> LineChart.Series in
      let values = layer.spectra[0]
      let largest = max(values.first ?? 1, 1e-30)
      return .init(
        name: LayerName.short(layer.name, most: 28),
        points: values.enumerated().map {
          (Double($0.offset) / Double(max(values.count - 1, 1)), $0.element / largest)
        })
    }
    return Figure([
      LineChart(
        title: "Singular values of the largest factorised layers",
        xTitle: "place among the layer's singular values (0 first, 1 last)",
        yTitle: "value in parts of the largest", series: Array(series))
    ])
  }

  /// The error of each factorised layer's weights, and of its responses before and after the refit.
  public var errorsFigure: Figure {
    func points(_ values: [Double]) -> [(x: Double, y: Double)] {
      values.enumerated().map { (Double($0.offset + 1), $0.element) }
    }
    var series = [
      LineChart.Series(
        name: "weights", points: points(layers.map { $0.error * $0.error }), hasMarks: true)
    ]
    if !refits.isEmpty {
      series.append(
        .init(name: "responses", points: points(refits.map(\.errorBefore)), hasMarks: true))
      series.append(
        .init(
          name: "responses, refitted", points: points(refits.map(\.errorAfter)), hasMarks: true))
    }
    return Figure([
      LineChart(
        title: "What factorisation loses", xTitle: "factorised layer, in order",
        yTitle: "relative squared error", series: series, axis: .counted)
    ])
  }

  /// MACs of each factorised layer before and after, with its rank beside the name.
  public var layersFigure: Figure {
    let shown = layers.enumerated().sorted {
      ($1.element.macs.before, $0.offset) < ($0.element.macs.before, $1.offset)
    }.prefix(30).sorted { $0.offset < $1.offset }.map(\.element)
    func chart(
      _ title: String, _ unit: String, _ scale: Double, _ counts: (RankRow) -> (Int, Int)
    ) -> BarChart {
      BarChart(
        title: title, xTitle: "factorised layer and its rank", yTitle: unit,
        names: shown.map { "\(LayerName.short($0.name)) r=\($0.rank)" },
        groups: [
          ("before", shown.map { Double(counts($0).0) / scale }),
          ("after", shown.map { Double(counts($0).1) / scale }),
        ])
    }
    return Figure(
      [
        chart("Weights of factorised layers", "weights (thousands)", 1e3) {
          ($0.parameters.before, $0.parameters.after)
        },
        chart("MACs of factorised layers", "MACs (millions)", 1e6) {
          ($0.macs.before, $0.macs.after)
        },
      ], chartHeight: 260)
  }
}
