import Compression
import Execution
import GraphIR
import Tensors

/// What is done to weights and biases before and after ranges are found.
extension Quantization {
  private static let equalizationImages = 32
  private static let correctionImages = 32
  private static let roundingImages = 32

  /// Replaces ReLU6, shares ranges out between layers and absorbs large biases, as far as that is
  /// asked for.
  ///
  /// - Returns: What normalisations say of the result's values; `nil` where images say it all.
  func reshape(
    _ graph: inout Graph, _ source: Graph, _ plan: inout QuantizationPlan,
    _ images: CalibrationImages
  ) throws -> ChannelMoments? {
    if configuration.replacesReLU6, graph.replaceReLU6() > 0 { plan.replacesReLU6 = true }
    let equalization = CrossLayerEqualization(graph, registry: engine.registry)
    var divisors: [String: [Float]] = [:]
    if configuration.equalization != .none, !equalization.pairs.isEmpty {
      let chosen = try measure(equalization, graph, images)
      divisors = equalization.apply(to: &graph, chosen)
      plan.equalization = chosen
    }
    guard configuration.isDataFree else { return nil }
    var normals = source.normalizedValues()
    for (output, factors) in divisors where normals[output]?.count == factors.count {
      normals[output] = normals[output].map { own in
        zip(own, factors).map { .init(mean: $0.mean / $1, deviation: $0.deviation / $1) }
      }
    }
    let absorption = BiasAbsorption(graph, pairs: equalization.pairs, normals: normals)
    if !absorption.amounts.isEmpty {
      BiasAbsorption.apply(absorption.amounts, pairs: equalization.pairs, to: &graph)
      plan.absorbed = absorption.amounts
      for (output, amounts) in absorption.amounts {
        normals[output] = normals[output].map { own in
          zip(own, amounts).map { .init(mean: $0.mean - $1, deviation: $0.deviation) }
        }
      }
    }
    return ChannelMoments(graph, normals: normals, registry: engine.registry)
  }

  private func measure(
    _ equalization: CrossLayerEqualization, _ graph: Graph, _ images: CalibrationImages
  ) throws -> QuantizationPlan.Equalization {
    let kind = configuration.equalization
    let measured =
      kind == .activations
      ? try equalization.magnitudes(
        graph, inputs: images.first(Self.equalizationImages), engine: engine) : [:]
    return .init(ranges: kind, magnitudes: measured)
  }

  /// Learns how weights are rounded, where that is asked for.
  func round(
    _ outcome: inout Outcome, _ graph: Graph, _ sites: QuantizationSites,
    _ images: CalibrationImages
  ) throws {
    guard configuration.rounding == .adaptive else { return }
    var settings = AdaptiveRounding.Settings()
    settings.seed = configuration.seed
    let rounding = try AdaptiveRounding(
      graph, plan: outcome.plan, sites: sites, inputs: images.first(Self.roundingImages),
      settings: settings, engine: engine)
    outcome.plan.roundings = rounding.roundings
    outcome.roundings = rounding.layers
  }

  /// What biases move by, of each layer by itself or layer by layer; `nil` for nothing.
  func biasShifts(
    _ plan: QuantizationPlan, _ graph: Graph, _ sites: QuantizationSites,
    _ images: CalibrationImages, _ moments: ChannelMoments?
  ) throws -> [String: [Float]]? {
    let inputs = images.first(Self.correctionImages)
    var shifts: [String: [Float]] = [:]
    switch configuration.biasCorrection {
    case .none: break
    case .local:
      shifts = try LocalBiasCorrection.shifts(
        graph, plan: plan, sites: sites, inputs: inputs, engine: engine)
      if let moments {
        let said = AnalyticBiasCorrection.shifts(graph, plan: plan, sites: sites, moments: moments)
        shifts.merge(said) { _, said in said }
      }
    case .sequential:
      shifts = try BiasCorrection(
        graph, plan: plan, sites: sites, inputs: inputs, engine: engine
      ).shifts
    }
    return shifts.isEmpty ? nil : shifts
  }

  /// Tries other ranges by what the head says.
  func refine(
    _ plan: QuantizationPlan, _ graph: Graph, _ sites: QuantizationSites,
    _ statistics: [String: ValueStatistics], _ images: CalibrationImages
  ) throws -> QuantizationPlan {
    let refinement = try ClipRefinement(plan, statistics: statistics)
    let meter = try SensitivityMeter(
      graph, measure: .detection, images: images, most: Self.refinementImages,
      settings: head, engine: engine)
    return try engine.progress.job("trying ranges", total: refinement.trials, unit: "trials") {
      try refinement.refine(
        plan, error: { try meter.damage(QuantizedNetwork(graph, plan: $0, sites: sites).graph) },
        observe: $0)
    }
  }

  private static let refinementImages = 16
}
