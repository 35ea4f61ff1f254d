import Execution
import Foundation
import GraphIR
import Layers
import ObjectDetection
import Quantize
import Tensors

/// Chooses what of a network is quantised and in which ranges, then quantises it.
struct Quantizing {
  var options: QuantizeOptions
  var head: DetectionOptions
  var common: CommonOptions
  /// The images to calibrate with where none are named; `nil` for none.
  var learning: Dataset?
  /// The images that a bound on the loss of mAP is held on; `nil` for none.
  var scoring: Dataset?
  /// The most mAP that may be lost before layers are given back to float; `nil` for any.
  var maxDrop: Double?

  /// A quantised network.
  struct Outcome {
    var graph: Graph
    var plan: QuantizationPlan
    /// How many images were looked at; 0 for a replayed plan.
    var images: Int
    var seconds: Double
    /// What quantising each layer alone does; `nil` unless it was measured.
    var damages: [PrecisionSearch.LayerDamage]?
  }

  /// Quantises a network.
  ///
  /// - Throws: `QuantizationError`, ``CommandError`` without images, what sessions throw.
  func run(on source: Graph, known: QuantizationPlan?) throws -> Outcome {
    let start = ContinuousClock.now
    var graph = try source.preparedForQuantization(inputShapes: try head.parsedShapes())
    if let known { return try replay(known, on: &graph) }
    let sites = QuantizationSites(
      graph, excluded: try matches(options.exclude, graph, "--exclude"),
      included: Set(try matches(options.include, graph, "--include").keys))
    let layers = sites.nodes.filter { QuantizationSites.isLayer(graph.nodes[$0]) }
    guard !layers.isEmpty else {
      throw QuantizationError.nothingToQuantize(
        reasons: Dictionary(sites.kept.map { ($0.reason, 1) }, uniquingKeysWith: +))
    }
    let observer = try options.chosenObserver()
    let images = try CalibrationImages(
      graph, path: options.calib, otherwise: learning, count: options.calibCount ?? 128,
      head: head, common: common)
    guard !images.sources.isEmpty else {
      throw CommandError(
        .usage, "ranges of activations are found by looking at images: give some with --calib")
    }
    let equalized = try equalize(&graph, images)
    let calibration = try calibrate(graph, sites, images, observer)
    let activations = try choose(observer, sites, calibration)
    var plan = QuantizationPlan(
      scheme: options.scheme, observer: observer.name,
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: activations,
      kept: sites.kept)
    plan.equalization = equalized
    plan.included = try matches(options.include, graph, "--include").keys.sorted()
    if options.biasCorrection {
      plan.biasShifts = try correctBiases(of: &graph, plan, sites, images)
    }
    let network = try QuantizedNetwork(graph, plan: plan, sites: sites)
    var outcome = Outcome(
      graph: network.graph, plan: plan, images: images.count,
      seconds: (ContinuousClock.now - start) / .seconds(1))
    try search(&outcome, on: graph, images)
    return outcome
  }

  /// Measures layers, and gives some back to float, where that is asked for.
  private func search(
    _ outcome: inout Outcome, on graph: Graph, _ images: CalibrationImages
  ) throws {
    let bound = options.maxDamage ?? QuantizeOptions.defaultDamage
    guard options.sensitivity || maxDrop != nil || bound < .infinity else { return }
    var search = PrecisionSearch(
      graph: graph, plan: outcome.plan,
      excluded: try matches(options.exclude, graph, "--exclude"),
      included: Set(try matches(options.include, graph, "--include").keys), images: images,
      head: head, common: common)
    var damages = try search.damages()
    defer { if options.sensitivity || maxDrop != nil { outcome.damages = damages } }
    var kept = Set(damages.filter { !($0.damage <= bound) }.map(\.layer))
    guard kept.count < damages.count else {
      throw QuantizationError.nothingToQuantize(reasons: [PrecisionSearch.damageReason: kept.count])
    }
    for layer in kept { search.excluded[layer] = PrecisionSearch.damageReason }
    if let maxDrop, let scoring {
      let found = try search.fewest(
        damages.filter { !kept.contains($0.layer) }, allowed: maxDrop,
        isRelative: options.dropType == "relative", labelled: scoring)
      (outcome.graph, outcome.plan) = try search.network(keeping: found.kept)
      kept.formUnion(found.kept)
    } else if !kept.isEmpty {
      (outcome.graph, outcome.plan) = try search.network(keeping: [])
    }
    for index in damages.indices { damages[index].isKept = kept.contains(damages[index].layer) }
  }

  private func replay(_ plan: QuantizationPlan, on graph: inout Graph) throws -> Outcome {
    if let magnitudes = plan.equalization {
      CrossLayerEqualization(graph).apply(to: &graph, magnitudes)
    }
    BiasCorrection.apply(plan.biasShifts ?? [:], to: &graph)
    let wanted = Set(plan.nodes)
    let outputs = Set(graph.nodes.flatMap(\.outputs))
    if let missing = plan.nodes.first(where: { !outputs.contains($0) }) {
      throw QuantizationError.otherModel(reason: "it has no node that makes '\(missing)'")
    }
    let reasons = Dictionary(
      plan.kept.map { ($0.node, $0.reason) }, uniquingKeysWith: { first, _ in first })
    let excluded = graph.nodes.compactMap(\.outputs.first).filter { !wanted.contains($0) }.map {
      ($0, reasons[$0] ?? "the plan keeps it float")
    }
    let sites = QuantizationSites(
      graph, excluded: Dictionary(excluded, uniquingKeysWith: { first, _ in first }),
      included: Set(plan.included))
    let network = try QuantizedNetwork(graph, plan: plan, sites: sites)
    return Outcome(graph: network.graph, plan: plan, images: 0, seconds: 0)
  }

  /// Shares ranges out between convolutions.
  ///
  /// - Returns: What that went by, for the plan; `nil` where nothing was done.
  private func equalize(
    _ graph: inout Graph, _ images: CalibrationImages
  ) throws -> QuantizationPlan.Equalization? {
    let ranges = CrossLayerEqualization.Ranges(rawValue: options.equalize ?? "weights")
    let equalization = CrossLayerEqualization(graph)
    guard let ranges, !equalization.pairs.isEmpty else { return nil }
    let measured =
      ranges == .weights
      ? [:]
      : try equalization.magnitudes(
        graph, images: min(images.count, Self.equalizationImages), threads: common.threadCount,
        inputShapes: try head.parsedShapes()
      ) { index, session in
        guard let input = session.input(images.input) else { return }
        try images.fill(index, into: input.base.assumingMemoryBound(to: Float.self))
      }
    let plan = QuantizationPlan.Equalization(ranges: ranges, magnitudes: measured)
    equalization.apply(to: &graph, plan)
    return plan
  }

  private static let equalizationImages = 32
  private static let correctionImages = 16

  /// Moves biases.
  private func correctBiases(
    of graph: inout Graph, _ plan: QuantizationPlan, _ sites: QuantizationSites,
    _ images: CalibrationImages
  ) throws -> [String: [Float]] {
    let bar = ProgressBar(
      "correcting biases", total: sites.nodes.count, unit: "layers", isShown: common.showsProgress)
    defer { bar.finish() }
    let correction = try BiasCorrection(
      graph, plan: plan, sites: sites,
      feed: .init(
        images: min(images.count, Self.correctionImages), threads: common.threadCount,
        inputShapes: try head.parsedShapes()
      ) { index, session in
        guard let input = session.input(images.input) else { return }
        try images.fill(index, into: input.base.assumingMemoryBound(to: Float.self))
      }, observe: { done, _ in bar.update(done) })
    BiasCorrection.apply(correction.shifts, to: &graph)
    return correction.shifts
  }

  /// The nodes that patterns name, by first output.
  private func matches(
    _ patterns: [String], _ graph: Graph, _ flag: String
  ) throws -> [String: String] {
    var found: [String: String] = [:]
    for pattern in patterns.map({ NamePattern($0) }) {
      let outputs = graph.nodes.filter { node in
        ([node.name] + node.outputs).contains(where: pattern.matches)
      }.compactMap(\.outputs.first)
      guard !outputs.isEmpty else { throw QuantizationError.noSuchNode(pattern: pattern.text) }
      for output in outputs { found[output] = "\(flag) names it" }
    }
    return found
  }

  private func calibrate(
    _ graph: Graph, _ sites: QuantizationSites, _ images: CalibrationImages, _ observer: Observer
  ) throws -> Calibration {
    let bar = ProgressBar(
      "calibrating", total: images.count, unit: "images", isShown: common.showsProgress)
    defer { bar.finish() }
    return try Calibration(
      graph, values: sites.observed, countsNumbers: observer.needsHistogram,
      images: images.count, threads: common.threadCount, inputShapes: try head.parsedShapes(),
      fill: { index, session in
        guard let input = session.input(images.input) else { return }
        try images.fill(index, into: input.base.assumingMemoryBound(to: Float.self))
      }, observe: bar.update)
  }

  private func choose(
    _ observer: Observer, _ sites: QuantizationSites, _ calibration: Calibration
  ) throws -> [QuantizationPlan.Activation] {
    let scheme = options.scheme
    let pool = ThreadPool(threads: common.threadCount)
    let observed = try pool.map(sites.observed.count) { index in
      let name = sites.observed[index]
      let statistics = calibration.statistics[name] ?? ValueStatistics(countsNumbers: false)
      return QuantizationPlan.Activation(
        name: name, range: try observer.range(of: statistics, scheme: scheme))
    }
    let ranges = Dictionary(
      observed.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    // Values that share a scale have a range of their own once what they share it with stays float.
    return observed
      + sites.shared.keys.sorted().compactMap { name in
        ranges[sites.scaleOwner(of: name)].map { .init(name: name, range: $0) }
      }
  }

  /// How many of the images to calibrate with are also among those to score on, by content.
  func overlap(_ scoring: Dataset?) throws -> Int {
    guard let scoring, let path = options.calib else { return 0 }
    let calibration = try Dataset.load(URL(filePath: path)).images.prefix(
      options.calibCount ?? 128)
    let scored = Set(try scoring.images.map { try $0.source.identity() })
    return try calibration.count { scored.contains(try $0.source.identity()) }
  }
}
