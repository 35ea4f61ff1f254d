import Compression
import Execution
import Foundation
import GraphIR
import ObjectDetection
import Tensors

/// Finds which layers cost accuracy when they are quantised, and gives back the fewest.
public struct PrecisionSearch {
  /// What quantising one layer alone does.
  public struct LayerDamage: Codable, Sendable {
    /// The layer's node, by first output.
    public var layer: String
    /// The relative squared error of the raw head maps, or of the outputs where the head is not
    /// known.
    public var damage: Double
    /// Whether it stays float in the end.
    public var isKept = false
  }

  /// The prepared float network.
  var graph: Graph
  /// The plan with every layer quantised.
  var plan: QuantizationPlan
  /// Nodes that stay float whatever is found, with the reason.
  var excluded: [String: String]
  var included: Set<String>
  /// The values that hold float32.
  var floats: Set<String>
  var images: CalibrationImages
  var reasons: Quantization.KeepReasons
  var head: HeadSettings
  var engine: Engine

  /// Images that the damage of a layer is measured on.
  private static let images = 8

  /// What is quantised when some layers stay float.
  func sites(keeping kept: Set<String> = []) -> QuantizationSites {
    var excluded = excluded
    for layer in kept { excluded[layer] = reasons.accuracy }
    return QuantizationSites(
      graph, registry: engine.registry, excluded: excluded, included: included, floats: floats)
  }

  /// The plan with some layers float.
  func plan(keeping kept: Set<String>) -> QuantizationPlan {
    let sites = sites(keeping: kept)
    var own = plan
    own.nodes = sites.nodes.compactMap { graph.nodes[$0].outputs.first }
    own.kept = sites.kept
    let made = Set(own.nodes)
    own.biasShifts = plan.biasShifts?.filter { made.contains($0.key) }
    return own
  }

  /// The network with some layers float.
  func network(keeping kept: Set<String>) throws -> Graph {
    try QuantizedNetwork(graph, plan: plan, sites: sites(keeping: kept)).graph
  }

  /// The layers that the plan quantises, by first output.
  var layers: [String] {
    let quantized = Set(plan.nodes)
    let layers = graph.nodes.filter { engine.registry.quantizationRole(of: $0) == .layer }
    return layers.compactMap(\.outputs.first).filter(quantized.contains)
  }

  /// Quantises each layer alone and measures what that does, most harmful first.
  func damages() throws -> [LayerDamage] {
    let meter = try SensitivityMeter(
      graph, measure: .output, images: images, most: Self.images, settings: head, engine: engine)
    let layers = layers
    let found = try engine.progress.job("sensitivity", total: layers.count, unit: "layers") {
      done in
      try layers.enumerated().map { index, layer in
        defer { done(index + 1) }
        let others = Set(layers.filter { $0 != layer })
        return LayerDamage(
          layer: layer, damage: try meter.damage(try network(keeping: others)))
      }
    }
    return found.sorted { ($1.damage, $0.layer) < ($0.damage, $1.layer) }
  }

  /// The fewest layers, most harmful first, that must stay float for the loss of mAP to be allowed.
  ///
  /// Halves the number of layers in steps; then takes back, least harmful first, layers whose float
  /// form is not needed.
  ///
  /// - Returns: The layers, and whether the loss is allowed; where it never is, those of the least
  ///   loss found.
  func fewest(
    _ damages: [LayerDamage], allowed: AccuracyDrop, labelled: Dataset
  ) throws -> (kept: Set<String>, isMet: Bool) {
    let meter = try SensitivityMeter(
      graph, measure: .map, images: images, labelled: labelled, settings: head,
      engine: engine)
    let limit = allowed.points(of: meter.score)
    var best: (kept: Set<String>, loss: Double) = ([], .infinity)
    func loss(_ kept: Set<String>) throws -> Double {
      let loss = try meter.damage(try network(keeping: kept))
      if loss < best.loss { best = (kept, loss) }
      engine.progress.info(
        "\(kept.count) layers float: mAP falls by \(String(format: "%.4f", loss))")
      return loss
    }
    func first(_ count: Int) -> Set<String> { Set(damages.prefix(count).map(\.layer)) }
    if try loss([]) <= limit { return ([], true) }
    var (low, high) = (0, 1)
    while try loss(first(high)) > limit {
      guard high < damages.count else { return (best.kept, false) }
      (low, high) = (high, min(2 * high, damages.count))
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if try loss(first(middle)) <= limit { high = middle } else { low = middle }
    }
    var kept = first(high)
    for layer in damages.prefix(high).reversed().prefix(Self.retries).map(\.layer)
    where kept.count > 1 {
      if try loss(kept.subtracting([layer])) <= limit { kept.remove(layer) }
    }
    return (kept, true)
  }

  /// Layers that are tried to be quantised after all.
  private static let retries = 8
}
