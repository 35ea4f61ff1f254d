import Execution
import GraphIR
import Layers
import ObjectDetection
import Operators
import Prune

/// Prunes by second order: looks at images, measures what zeros cost, refits.
struct SecondOrderRun {
  var request: PruningRequest
  var options: ChannelOptions
  var head: DetectionOptions
  /// The images to look at where none are named; `nil` for none.
  var learning: Dataset?
  var common: CommonOptions

  /// Images that damages are measured on.
  private static let damageImages = 16

  /// Chooses, unless a plan is given, and prunes.
  ///
  /// - Throws: ``CommandError`` without images, ``PruningError``, what sessions throw.
  func run(
    on graph: Graph, known: PruningPlan? = nil
  ) throws -> (plan: PruningPlan, outcome: SecondOrderPruning.Outcome) {
    var run = self
    if let known {
      // The plan says what stays whole; which layers are looked at follows from it.
      (run.request.keepsEnds, run.request.seed) = (false, known.seed)
    }
    let (pruning, images) = try run.look(at: graph)
    let plan = try known ?? choose(pruning, graph, images)
    let outcome = try watched("refitting", "layers") { try pruning.apply(plan, observe: $0) }
    return (plan, outcome)
  }

  /// What would go; nothing does.
  func plan(for graph: Graph) throws -> PruningPlan {
    let (pruning, images) = try look(at: graph)
    return try choose(pruning, graph, images)
  }

  private func look(at graph: Graph) throws -> (SecondOrderPruning, CalibrationImages) {
    let images = try CalibrationImages(
      graph, path: options.calib, otherwise: learning, count: options.calibCount ?? 64, head: head,
      common: common)
    guard !images.sources.isEmpty else {
      throw CommandError(
        .usage, "--method obs looks at what layers see: give images with --calib")
    }
    let configuration = SecondOrderPruning.Configuration(
      request: request,
      options: SessionOptions(
        threads: common.threadCount, inputShapes: try head.parsedShapes(),
        passes: StandardRewrites.inference), images: images.count)
    let pruning = try watched("looking at images", "images") { observe in
      try SecondOrderPruning(
        graph, registry: .standard, configuration: configuration, feed: images.feed
      ) { observe($0, images.count) }
    }
    return (pruning, images)
  }

  private func choose(
    _ pruning: SecondOrderPruning, _ graph: Graph, _ images: CalibrationImages
  ) throws -> PruningPlan {
    let meter = try DamageMeter(
      graph, measure: .detection, images: images, most: Self.damageImages, labelled: nil,
      head: head, common: common)
    return try watched("measuring what zeros cost", "layers") {
      try pruning.plan(damage: meter.damage, observe: $0)
    }
  }

  private func watched<Result>(
    _ title: String, _ unit: String, _ work: (@escaping (Int, Int) -> Void) throws -> Result
  ) throws -> Result {
    var bar: ProgressBar?
    defer { bar?.finish() }
    return try work { done, total in
      if bar == nil {
        bar = ProgressBar(title, total: total, unit: unit, isShown: common.showsProgress)
      }
      bar?.update(done)
    }
  }
}
