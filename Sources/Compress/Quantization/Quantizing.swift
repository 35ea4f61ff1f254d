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
  /// The digest of the model's file, for what is kept between runs.
  var digest = ""

  /// A quantised network.
  struct Outcome {
    var graph: Graph
    var plan: QuantizationPlan
    /// How many images were looked at; 0 for a replayed plan.
    var images = 0
    var seconds = 0.0
    /// What quantising each layer alone does; `nil` unless it was measured.
    var damages: [PrecisionSearch.LayerDamage]?
    /// What the choice of bits tried; `nil` unless it was asked for.
    var trials: [BitWidthSearch.Trial]?
    /// What learnt rounding did; `nil` unless it was asked for.
    var roundings: [AdaptiveRounding.Layer]?
    var remarks: [String] = []
    /// What has to agree for the network to be what the plan says.
    var claims: [Prediction.Claim] = []
    /// The inputs that this is looked at with; `nil` for a replayed plan.
    var calibration: CalibrationImages?
    /// How many layers compute on integers.
    var layers = 0
  }

  /// Quantises a network.
  ///
  /// - Throws: `QuantizationError`, ``CommandError`` without images, what sessions throw.
  func run(on source: Graph, known: QuantizationPlan?) throws -> Outcome {
    let start = ContinuousClock.now
    let shapes = try head.parsedShapes()
    var graph = try source.preparedForQuantization(inputShapes: shapes)
    let prepared = graph
    let floats = graph.floatValues(inputShapes: shapes)
    if let known { return try replay(known, source, on: &graph, floats) }
    let sites = QuantizationSites(
      graph, excluded: try matches(options.exclude, graph, "--exclude"),
      included: Set(try matches(options.include, graph, "--include").keys), floats: floats)
    let layers = sites.nodes.filter { QuantizationSites.isLayer(graph.nodes[$0]) }
    guard !layers.isEmpty else {
      throw QuantizationError.nothingToQuantize(
        reasons: Dictionary(sites.kept.map { ($0.reason, 1) }, uniquingKeysWith: +))
    }
    let observer = try options.chosenObserver()
    let images = try calibrationImages(graph)
    return try images.naming {
      try run(on: source, prepared, sites, floats, observer, images, since: start)
    }
  }

  /// Quantises a prepared network.
  private func run(
    on source: Graph, _ prepared: Graph, _ sites: QuantizationSites, _ floats: Set<String>,
    _ observer: Observer, _ images: CalibrationImages, since start: ContinuousClock.Instant
  ) throws -> Outcome {
    var graph = prepared
    var plan = QuantizationPlan(
      scheme: options.scheme, observer: observer.name,
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: [],
      kept: sites.kept)
    plan.included = try matches(options.include, graph, "--include").keys.sorted()
    let moments = try reshape(&graph, source, &plan, images)
    // Nodes have not moved, but a ReLU6 may have become a ReLU.
    let placed = options.replaceRelu6 ? try sitesAgain(graph, floats) : sites
    var ranges = QuantizationRanges(
      quantizing: self, graph: graph, sites: placed, images: images, moments: moments)
    try ranges.calibrate(observer)
    plan.activations = try ranges.activations(by: observer, scheme: plan.scheme)
    var outcome = Outcome(graph: graph, plan: plan)
    if options.isAutomatic {
      try chooseBits(&outcome, graph, floats, ranges, observer) {
        try biasShifts($0, graph, placed, images, moments)
      }
    }
    if observer.name == "detection" {
      outcome.plan = try refine(outcome.plan, graph, placed, ranges.statistics, images)
    }
    try round(&outcome, graph, placed, images)
    outcome.images = images.count
    outcome.remarks += ranges.remarks
    var search = PrecisionSearch(
      graph: graph, plan: outcome.plan,
      excluded: try matches(options.exclude, graph, "--exclude"), included: Set(plan.included),
      floats: floats, images: images, head: head, common: common)
    var damages = try keepHarmful(&search)
    search.plan.biasShifts = try biasShifts(
      search.plan, graph, search.sites(), images, moments)
    outcome.seconds = (ContinuousClock.now - start) / .seconds(1)
    let kept = try giveBack(&damages, search)
    (outcome.graph, outcome.plan) = (try search.network(keeping: kept), search.plan(keeping: kept))
    outcome.damages = damages
    try claim(&outcome, source, prepared, graph, search.sites(keeping: kept))
    outcome.calibration = images
    return outcome
  }

  private func sitesAgain(_ graph: Graph, _ floats: Set<String>) throws -> QuantizationSites {
    QuantizationSites(
      graph, excluded: try matches(options.exclude, graph, "--exclude"),
      included: Set(try matches(options.include, graph, "--include").keys), floats: floats)
  }

  /// The images to calibrate with.
  private func calibrationImages(_ graph: Graph) throws -> CalibrationImages {
    let count = options.calibCount ?? (options.dataFree ? Self.drawnImages : 128)
    let draws = options.dataFree || options.calib == Self.deadLeaves
    let images = try CalibrationImages(
      graph, path: draws ? nil : options.calib,
      otherwise: draws
        ? .deadLeaves(count: count, seed: options.seed, size: Self.drawnSize) : learning,
      count: count,
      head: head, common: common)
    guard !images.sources.isEmpty else {
      throw CommandError(
        .usage,
        "ranges of activations are found by looking at images: give some with --calib, or --data-free"
      )
    }
    return images
  }

  /// What `--calib` calls drawn images.
  static let deadLeaves = "dead-leaves"
  private static let drawnImages = 32
  private static let drawnSize = 480

  // MARK: Layers given back to float

  /// Measures what quantising each layer alone does, where that is asked for, and keeps those float that do too much harm.
  private func keepHarmful(
    _ search: inout PrecisionSearch
  ) throws -> [PrecisionSearch.LayerDamage]? {
    let bound = options.maxDamage ?? QuantizeOptions.defaultDamage
    guard options.sensitivity || maxDrop != nil || bound < .infinity else { return nil }
    var damages = try search.damages()
    for index in damages.indices { damages[index].isKept = !(damages[index].damage <= bound) }
    let kept = damages.filter(\.isKept).map(\.layer)
    guard kept.count < damages.count else {
      throw QuantizationError.nothingToQuantize(reasons: [PrecisionSearch.damageReason: kept.count])
    }
    for layer in kept { search.excluded[layer] = PrecisionSearch.damageReason }
    search.plan = search.plan(keeping: [])
    return damages
  }

  /// Gives the fewest further layers back to float that `--max-drop` needs, and makes the network.
  private func giveBack(
    _ damages: inout [PrecisionSearch.LayerDamage]?, _ search: PrecisionSearch
  ) throws -> Set<String> {
    var kept: Set<String> = []
    if let maxDrop, let scoring, let found = damages {
      kept = try search.fewest(
        found.filter { !$0.isKept }, allowed: maxDrop,
        isRelative: options.dropType == .relative, labelled: scoring
      ).kept
      damages = found.map {
        .init(layer: $0.layer, damage: $0.damage, isKept: $0.isKept || kept.contains($0.layer))
      }
    }
    return kept
  }

  /// The fewest bits that mAP allows.
  private func chooseBits(
    _ outcome: inout Outcome, _ graph: Graph, _ floats: Set<String>, _ ranges: QuantizationRanges,
    _ observer: Observer,
    shifts: @escaping (QuantizationPlan) throws -> [String: [Float]]?
  ) throws {
    guard let scoring else {
      throw CommandError(.usage, "--bits auto measures mAP: give labelled images with --data")
    }
    let precision = PrecisionSearch(
      graph: graph, plan: outcome.plan,
      excluded: try matches(options.exclude, graph, "--exclude"),
      included: Set(outcome.plan.included), floats: floats, images: ranges.images, head: head,
      common: common)
    let search = BitWidthSearch(
      margin: options.margin ?? QuantizeOptions.defaultMargin, labelled: scoring,
      precision: precision, ranges: { try ranges.activations(by: observer, scheme: $0) },
      shifts: shifts)
    (outcome.plan, outcome.trials) = try search.run()
  }

  private func replay(
    _ plan: QuantizationPlan, _ source: Graph, on graph: inout Graph, _ floats: Set<String>
  ) throws -> Outcome {
    let prepared = graph
    if plan.replacesReLU6 == true { graph.replaceReLU6() }
    let equalization = CrossLayerEqualization(graph)
    if let known = plan.equalization { equalization.apply(to: &graph, known) }
    BiasAbsorption.apply(plan.absorbed ?? [:], pairs: equalization.pairs, to: &graph)
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
      included: Set(plan.included), floats: floats)
    let network = try QuantizedNetwork(graph, plan: plan, sites: sites)
    var outcome = Outcome(graph: network.graph, plan: plan)
    try claim(&outcome, source, prepared, graph, sites)
    return outcome
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

  /// How many of the images to calibrate with are also among those to score on, by content.
  func overlap(_ scoring: Dataset?) throws -> Int {
    guard let scoring, let path = options.calib, path != Self.deadLeaves else { return 0 }
    let calibration = try DataSource(path: path, looksAtImages: false).load(nil).images.prefix(
      options.calibCount ?? 128)
    let scored = Set(try scoring.images.map { try $0.source.identity() })
    return try calibration.count { scored.contains(try $0.source.identity()) }
  }
}
