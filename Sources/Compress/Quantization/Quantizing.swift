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

  /// A quantised network.
  struct Outcome {
    var graph: Graph
    var plan: QuantizationPlan
    /// How many images were looked at; 0 for a replayed plan.
    var images: Int
    var seconds: Double
  }

  /// Quantises a network.
  ///
  /// - Throws: `QuantizationError`, ``CommandError`` without images, what sessions throw.
  func run(on source: Graph, known: QuantizationPlan?) throws -> Outcome {
    let start = ContinuousClock.now
    let graph = try source.preparedForQuantization(inputShapes: try head.parsedShapes())
    if let known { return try replay(known, on: graph) }
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
    let calibration = try calibrate(graph, sites, images, observer)
    let activations = try choose(observer, sites, calibration)
    let plan = QuantizationPlan(
      scheme: options.scheme, observer: observer.name,
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: activations,
      kept: sites.kept)
    let network = try QuantizedNetwork(graph, plan: plan, sites: sites)
    return Outcome(
      graph: network.graph, plan: plan, images: images.count,
      seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  private func replay(_ plan: QuantizationPlan, on graph: Graph) throws -> Outcome {
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
      included: wanted)
    let network = try QuantizedNetwork(graph, plan: plan, sites: sites)
    return Outcome(graph: network.graph, plan: plan, images: 0, seconds: 0)
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
    return try pool.map(sites.observed.count) { index in
      let name = sites.observed[index]
      let statistics = calibration.statistics[name] ?? ValueStatistics(countsNumbers: false)
      return .init(name: name, range: try observer.range(of: statistics, scheme: scheme))
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
