import Compression
import Execution
import Foundation
import GraphIR
import ObjectDetection

/// Chooses what of a network is quantised and in which ranges, then quantises it.
public struct Quantization {
  /// What is quantised, and how.
  public struct Configuration: Sendable {
    /// Bits, grids and scales.
    public var scheme = QuantizationScheme()
    /// How ranges of activations are chosen.
    public var observer = Observer.meanSquare
    /// Nodes that stay float, by name or output.
    public var excluded: [NamePattern] = []
    /// Nodes after the last layers that are quantised all the same.
    public var included: [NamePattern] = []
    /// Whether ranges are equalised between layers, and by what.
    public var equalization = EqualizationKind.weights
    /// How biases are moved.
    public var biasCorrection = BiasCorrectionKind.local
    /// How weights are rounded to integers.
    public var rounding = WeightRounding.nearest
    /// Whether ReLU6 becomes ReLU first.
    public var replacesReLU6 = false
    /// Whether ranges and biases come from what normalisations say, as far as they do.
    public var isDataFree = false
    /// A layer stays float that alone changes the raw head maps by more than this part of their
    /// variance.
    public var mostDamage = 0.1
    /// Whether what each layer alone does is measured, whatever the bounds.
    public var measuresSensitivity = false
    /// The most mAP that may be lost before further layers stay float; `nil` for any.
    public var drop: AccuracyDrop?
    /// The mAP that fewer bits may cost; `nil` leaves the scheme's bits.
    public var bitsMargin: Double?
    /// The seed of adaptive rounding.
    public var seed: UInt64 = 0
    /// Where calibration is kept between runs; `nil` for nowhere.
    public var state: StateFile?
    /// What a plan says of layers that stay float by this configuration.
    public var reasons = KeepReasons()

    /// The usual configuration: 8 bits, weights by channel, activations by least squared error.
    public init() {}
  }

  /// A file that keeps what calibration saw.
  public struct StateFile: Sendable {
    /// Where it lies.
    public var path: String
    /// The SHA-256 digest of the model's file.
    public var model: String

    /// A file for the calibration of a model.
    public init(path: String, model: String) { (self.path, self.model) = (path, model) }
  }

  /// What a plan says of layers that stay float.
  public struct KeepReasons: Sendable {
    /// The layer is excluded.
    public var excluded = "it is excluded"
    /// The layer is included, which no plan shows.
    public var included = "it is included"
    /// The bound on the loss of mAP.
    public var accuracy = "quantising it costs more accuracy than is allowed"
    /// The bound on what one layer does.
    public var damage = "quantising it alone changes the raw head maps by more than is allowed"

    /// The usual words.
    public init() {}
  }

  /// A quantised network.
  public struct Outcome {
    /// The network, its layers between QuantizeLinear and DequantizeLinear.
    public var graph: Graph
    /// What was quantised, and in which ranges.
    public var plan: QuantizationPlan
    /// How many images were looked at; 0 for a replayed plan.
    public var images = 0
    /// The time it took.
    public var seconds = 0.0
    /// What quantising each layer alone does; `nil` unless it was measured.
    public var damages: [PrecisionSearch.LayerDamage]?
    /// What the choice of bits tried; `nil` unless it was asked for.
    public var trials: [BitWidthSearch.Trial]?
    /// The effect of adaptive rounding, by layer; `nil` without it.
    public var roundings: [AdaptiveRounding.LearnedRounding]?
    /// What a user should know, a sentence each.
    public var remarks: [String] = []
    /// What has to agree for the network to be what the plan says.
    public var claims: [Prediction.Claim] = []
    /// The images that this was looked at with; `nil` for a replayed plan.
    public var calibration: CalibrationImages?
    /// How many layers compute on integers.
    public var layers = 0
  }

  /// What is quantised, and how.
  public var configuration: Configuration
  let head: HeadSettings
  /// How networks are run.
  public let engine: Engine

  /// A method of a configuration.
  ///
  /// - Parameters:
  ///   - head: What is said of the detector's head; the rest is recognised.
  public init(
    _ configuration: Configuration = Configuration(), head: HeadSettings = HeadSettings(),
    engine: Engine = Engine()
  ) {
    (self.configuration, self.head, self.engine) = (configuration, head, engine)
  }

  /// Quantises a network.
  ///
  /// - Parameters:
  ///   - known: A plan to replay; `nil` to make a new choice.
  ///   - images: The images to look at; not asked for by a replay.
  ///   - scoring: The images that bounds on the loss of mAP are held on; `nil` for none.
  /// - Throws: ``QuantizationError``, what sessions throw.
  public func run(
    on source: Graph, replaying known: QuantizationPlan? = nil,
    images: @autoclosure () throws -> CalibrationImages, scoring: Dataset? = nil
  ) throws -> Outcome {
    let start = ContinuousClock.now
    let (registry, shapes) = (engine.registry, engine.inputShapes)
    var graph = try source.preparedForQuantization(registry: registry, inputShapes: shapes)
    let prepared = graph
    let floats = graph.floatValues(registry: registry, inputShapes: shapes)
    if let known { return try replay(known, source, on: &graph, floats) }
    let sites = try sites(of: graph, floats)
    let layers = sites.nodes.filter { sites.isLayer(graph.nodes[$0]) }
    guard !layers.isEmpty else {
      throw QuantizationError.nothingToQuantize(
        reasons: Dictionary(sites.kept.map { ($0.reason, 1) }, uniquingKeysWith: +))
    }
    let images = try images()
    guard !images.isNoise else { throw QuantizationError.needsImages }
    return try images.naming {
      try run(on: source, prepared, sites, floats, images, scoring, since: start)
    }
  }

  /// Quantises a prepared network.
  private func run(
    on source: Graph, _ prepared: Graph, _ sites: QuantizationSites, _ floats: Set<String>,
    _ images: CalibrationImages, _ scoring: Dataset?, since start: ContinuousClock.Instant
  ) throws -> Outcome {
    var graph = prepared
    let observer = configuration.observer
    var plan = QuantizationPlan(
      scheme: configuration.scheme, observer: observer.name,
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: [],
      kept: sites.kept)
    plan.included = try included(graph).keys.sorted()
    let moments = try reshape(&graph, source, &plan, images)
    // Nodes have not moved, but a ReLU6 may have become a ReLU.
    let placed = configuration.replacesReLU6 ? try self.sites(of: graph, floats) : sites
    var ranges = QuantizationRanges(
      quantization: self, graph: graph, sites: placed, images: images, moments: moments)
    try ranges.calibrate(observer)
    plan.activations = try ranges.activations(by: observer, scheme: plan.scheme)
    var outcome = Outcome(graph: graph, plan: plan)
    if let margin = configuration.bitsMargin {
      try chooseBits(&outcome, graph, floats, ranges, margin, scoring) {
        try biasShifts($0, graph, placed, images, moments)
      }
    }
    if observer.refinesByHead {
      outcome.plan = try refine(outcome.plan, graph, placed, ranges.statistics, images)
    }
    try round(&outcome, graph, placed, images)
    outcome.images = images.count
    outcome.remarks += ranges.remarks
    var search = try precision(graph, outcome.plan, floats, images)
    var damages = try keepHarmful(&search)
    search.plan.biasShifts = try biasShifts(
      search.plan, graph, search.sites(), images, moments)
    outcome.seconds = (ContinuousClock.now - start) / .seconds(1)
    let kept = try restoreFloatLayers(&damages, search, scoring)
    (outcome.graph, outcome.plan) = (try search.network(keeping: kept), search.plan(keeping: kept))
    outcome.damages = damages
    try claim(&outcome, source, prepared, graph, search.sites(keeping: kept))
    outcome.calibration = images
    return outcome
  }

  private func sites(of graph: Graph, _ floats: Set<String>) throws -> QuantizationSites {
    QuantizationSites(
      graph, registry: engine.registry, excluded: try excluded(graph),
      included: Set(try included(graph).keys), floats: floats)
  }

  private func excluded(_ graph: Graph) throws -> [String: String] {
    try matches(configuration.excluded, graph, configuration.reasons.excluded)
  }

  private func included(_ graph: Graph) throws -> [String: String] {
    try matches(configuration.included, graph, configuration.reasons.included)
  }

  private func precision(
    _ graph: Graph, _ plan: QuantizationPlan, _ floats: Set<String>, _ images: CalibrationImages
  ) throws -> PrecisionSearch {
    PrecisionSearch(
      graph: graph, plan: plan, excluded: try excluded(graph), included: Set(plan.included),
      floats: floats, images: images, reasons: configuration.reasons, head: head, engine: engine)
  }

  // MARK: Layers that stay float

  /// Measures what quantising each layer alone does, where that is asked for, and keeps those float
  /// that do too much harm.
  private func keepHarmful(
    _ search: inout PrecisionSearch
  ) throws -> [PrecisionSearch.LayerDamage]? {
    let bound = configuration.mostDamage
    guard configuration.measuresSensitivity || configuration.drop != nil || bound < .infinity
    else { return nil }
    var damages = try search.damages()
    for index in damages.indices { damages[index].isKept = !(damages[index].damage <= bound) }
    let kept = damages.filter(\.isKept).map(\.layer)
    guard kept.count < damages.count else {
      throw QuantizationError.nothingToQuantize(reasons: [configuration.reasons.damage: kept.count])
    }
    for layer in kept { search.excluded[layer] = configuration.reasons.damage }
    search.plan = search.plan(keeping: [])
    return damages
  }

  /// Restores the fewest further layers to float that the bound on the loss of mAP needs.
  private func restoreFloatLayers(
    _ damages: inout [PrecisionSearch.LayerDamage]?, _ search: PrecisionSearch,
    _ scoring: Dataset?
  ) throws -> Set<String> {
    var kept: Set<String> = []
    if let drop = configuration.drop, let scoring, let found = damages {
      kept = try search.fewest(
        found.filter { !$0.isKept }, allowed: drop, labelled: scoring
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
    _ margin: Double, _ scoring: Dataset?,
    shifts: @escaping (QuantizationPlan) throws -> [String: [Float]]?
  ) throws {
    guard let scoring else { throw QuantizationError.needsLabels }
    let search = BitWidthSearch(
      margin: margin, labelled: scoring,
      precision: try precision(graph, outcome.plan, floats, ranges.images),
      ranges: { try ranges.activations(by: configuration.observer, scheme: $0) }, shifts: shifts)
    (outcome.plan, outcome.trials) = try search.run()
  }

  private func replay(
    _ plan: QuantizationPlan, _ source: Graph, on graph: inout Graph, _ floats: Set<String>
  ) throws -> Outcome {
    let prepared = graph
    if plan.replacesReLU6 == true { graph.replaceReLU6() }
    let equalization = CrossLayerEqualization(graph, registry: engine.registry)
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
      graph, registry: engine.registry,
      excluded: Dictionary(excluded, uniquingKeysWith: { first, _ in first }),
      included: Set(plan.included), floats: floats)
    let network = try QuantizedNetwork(graph, plan: plan, sites: sites)
    var outcome = Outcome(graph: network.graph, plan: plan)
    try claim(&outcome, source, prepared, graph, sites)
    return outcome
  }

  /// The nodes that patterns name, by first output.
  private func matches(
    _ patterns: [NamePattern], _ graph: Graph, _ reason: String
  ) throws -> [String: String] {
    var found: [String: String] = [:]
    for pattern in patterns {
      let outputs = graph.nodes.filter { node in
        ([node.name] + node.outputs).contains(where: pattern.matches)
      }.compactMap(\.outputs.first)
      guard !outputs.isEmpty else { throw QuantizationError.noSuchNode(pattern: pattern.text) }
      for output in outputs { found[output] = reason }
    }
    return found
  }
}
