import Compression
import GraphIR

/// What has to agree for a quantised network to be what its plan says.
extension Quantization {
  /// Claims that each step from the model to the quantised network does what the plan says.
  ///
  /// - Parameters:
  ///   - prepared: The network before the plan reshaped it.
  ///   - float: The network that was quantised.
  func claim(
    _ outcome: inout Outcome, _ source: Graph, _ prepared: Graph, _ float: Graph,
    _ sites: QuantizationSites
  ) throws {
    let plan = outcome.plan
    outcome.layers = sites.nodes.count { sites.isLayer(float.nodes[$0]) }
    outcome.claims.append(
      .init(what: "folding normalisations", expected: source, found: prepared))
    var shaped = prepared
    if plan.replacesReLU6 == true { shaped.replaceReLU6() }
    let equalization = CrossLayerEqualization(shaped, registry: engine.registry)
    if let amounts = plan.absorbed {
      var equalized = shaped
      if let known = plan.equalization { equalization.apply(to: &equalized, known) }
      outcome.claims.append(
        .init(
          what: "absorbing biases",
          expected: BiasAbsorption.predicted(amounts, pairs: equalization.pairs, for: equalized),
          found: float))
      outcome.claims.append(
        .init(what: "sharing ranges out between layers", expected: shaped, found: equalized))
    } else {
      outcome.claims.append(
        .init(what: "sharing ranges out between layers", expected: shaped, found: float))
    }
    let planned = try PlannedNetwork(float, plan: plan, sites: sites)
    outcome.claims.append(
      .init(
        what: "quantising", expected: planned.graph, renamed: planned.outputs, float: float))
  }
}
