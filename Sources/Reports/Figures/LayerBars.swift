extension ReportFigure {
  /// Parameters, MACs and zeros of the layers that cost most.
  static let layers = ReportFigure(
    name: "layers",
    caption: "Parameters, multiply–accumulates and zeros of the layers with the most MACs."
  ) { report in
    let models = LayerBars.shown(report.models)
    let bars = LayerBars(models, of: report.models.count)
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

/// The layers for which bars are drawn.
private struct LayerBars {
  let names: [String]
  private let models: [ModelEvidence]
  private let layerCount: Int
  private let layers: [[String: ModelEvidence.LayerCost]]

  private let modelCount: Int

  /// Bars of more models would be too thin.
  private static let mostModels = 3
  private static let mostLayers = 30

  /// The first model and the last ones.
  static func shown(_ models: [ModelEvidence]) -> [ModelEvidence] {
    models.count <= mostModels ? models : [models[0]] + models.suffix(mostModels - 1)
  }

  init(_ models: [ModelEvidence], of modelCount: Int) {
    self.models = models
    self.modelCount = modelCount
    layers = models.map { model in
      Dictionary(model.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    let all = Self.merged(models)
    layerCount = all.count
    let largest = all.enumerated().sorted {
      ($1.element.macs, $0.offset) < ($0.element.macs, $1.offset)
    }.prefix(Self.mostLayers)
    names = largest.map(\.offset).sorted().map { all[$0].name }
  }

  /// The layers of all models that have multiply–accumulates.
  ///
  /// A layer of one model alone is placed beside its shared neighbours.
  private static func merged(_ models: [ModelEvidence]) -> [ModelEvidence.LayerCost] {
    var all: [ModelEvidence.LayerCost] = []
    for model in models {
      var place = 0
      for layer in model.layers where layer.macs > 0 {
        if let known = all.firstIndex(where: { $0.name == layer.name }) {
          place = known + 1
        } else {
          all.insert(layer, at: place)
          place += 1
        }
      }
    }
    return all
  }

  func chart(
    _ title: String, _ yTitle: String, _ value: (ModelEvidence.LayerCost) -> Double
  ) -> BarChart {
    let part = names.count < layerCount ? " (\(names.count) of \(layerCount))" : ""
    let some = models.count < modelCount ? " (\(models.count) of \(modelCount) models)" : ""
    return BarChart(
      title: title + some, xTitle: "layers with the most MACs, in the network's order\(part)",
      yTitle: yTitle,
      names: LayerName.distinct(names),
      groups: zip(models, layers).map { model, layers in
        (model.name, names.map { layers[$0].map(value) })
      })
  }
}
