extension ReportFigure {
  /// Parameters, MACs and zeros of the layers that cost most.
  static let layers = ReportFigure(
    name: "layers",
    caption: "Parameters, multiply–accumulates and zeros of the layers with the most MACs."
  ) { report in
    let models = Array(report.models.prefix(LayerBars.mostModels))
    let bars = LayerBars(models)
    guard !bars.names.isEmpty else { return nil }
    var charts = [
      bars.chart("Parameters by layer", "parameters (thousands)") { Double($0.parameters) / 1e3 },
      bars.chart("MACs by layer", "MACs (millions)") { Double($0.macs) / 1e6 },
    ]
    if models.contains(where: { $0.sparsity > 0.005 }) {
      charts.append(
        bars.chart("Zeros by layer", "zeros (% of parameters)") { 100 * $0.sparsity })
    }
    return Figure(charts, chartHeight: 260)
  }
}

/// The layers that bars are drawn of.
private struct LayerBars {
  let names: [String]
  private let models: [ModelEvidence]
  private let layers: [[String: ModelEvidence.Layer]]

  /// More would be thinner than a line.
  static let mostModels = 3
  private static let mostLayers = 30

  init(_ models: [ModelEvidence]) {
    self.models = models
    layers = models.map { model in
      Dictionary(model.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    var seen: Set<String> = []
    let all = models.flatMap(\.layers).filter { seen.insert($0.name).inserted }
    let largest = all.enumerated().sorted {
      ($1.element.macs, $0.offset) < ($0.element.macs, $1.offset)
    }.prefix(Self.mostLayers)
    names = largest.map(\.offset).sorted().map { all[$0].name }
  }

  func chart(
    _ title: String, _ yTitle: String, _ value: (ModelEvidence.Layer) -> Double
  ) -> BarChart {
    let total = Set(models.flatMap { $0.layers.map(\.name) }).count
    let part = names.count < total ? " (\(names.count) of \(total))" : ""
    return BarChart(
      title: title, xTitle: "layers with the most MACs, in the network's order\(part)",
      yTitle: yTitle,
      names: names.map { LayerName.short($0) },
      groups: zip(models, layers).map { model, layers in
        (model.name, names.map { layers[$0].map(value) })
      })
  }
}
