import Execution
import Foundation
import GraphIR
import Layers
import ObjectDetection
import Operators
import Prune
import Reports
import Tensors
import Training

/// Removes channels from a detector: chooses, cuts, proves, makes up for what is gone, trains on.
struct ChannelPruning {
  var criterion: ChannelCriterion
  var request: ChannelRequest
  /// The fraction of the parameters that goes, when the options name no other target.
  var sparsity: Double
  /// Rounds of cutting and training.
  var rounds: Int
  var excluded: [NamePattern]
  /// Damage curves that decide how a cut is shared out; `nil` without.
  var sensitivity: ChannelSensitivity?
  var options: ChannelOptions
  var head: DetectionOptions
  /// How gradients are taken and the cut network is trained; no epochs train nothing.
  var settings: DetectorTraining.Settings
  /// The images to train on; `nil` for none.
  var learning: Dataset?
  var common: CommonOptions

  /// A pruned network and how it came about.
  struct Outcome {
    var graph: Graph
    var plan: ChannelPlan
    var proof: ChannelProof
    /// What the written file must compute.
    var prediction: Prediction
    /// What reconstruction did, by layer; empty without.
    var reconstruction: [ChannelReconstruction.Layer] = []
    var isTargetMet: Bool
    /// The training after the last cut; `nil` without.
    var trainer: Trainer?
    var remarks: [String] = []
    /// The scales of batch normalisations at each stage, by its name.
    var scales: [(stage: String, values: [Double])] = []

    /// What a report adds to the comparison.
    var report: ChannelReport {
      ChannelReport(
        layers: plan.layers.map {
          .init(
            name: $0.weight, channels: $0.channels, removed: $0.removed.count, frozen: $0.frozen)
        },
        refits: reconstruction.map {
          .init(name: $0.label, errorBefore: $0.errorBefore, errorAfter: $0.errorAfter)
        },
        scales: scales.filter { !$0.values.isEmpty }.map {
          .init(name: $0.stage, values: $0.values)
        })
    }
  }

  /// How far channels are cut.
  private func target(_ start: ModelCost) throws -> ChannelTarget {
    if let ratio = options.channelRatio { return .channels(ratio) }
    if let macs = options.targetMacs { return .macs(try ChannelOptions.macs(macs, of: start.macs)) }
    if let latency = options.targetLatency { return .latency(latency) }
    return .sparsity(sparsity)
  }

  /// Prunes a network.
  ///
  /// - Throws: ``PruningError``, ``CommandError`` when the proof fails, what training throws.
  func run(on source: Graph) throws -> Outcome {
    let original = source
    var graph = try prepared(source)
    let scalesAtChoice = graph.normalizationScales
    let start = try cost(of: graph)
    let target = try target(start)
    var last: Outcome?
    for round in 1...rounds {
      var outcome = try cut(graph, to: target.part(round, of: rounds, from: start), start: start)
      outcome.remarks = (last?.remarks ?? []) + outcome.remarks
      if settings.training.epochs > 0 { try train(&outcome, original: original) }
      graph = outcome.graph
      last = outcome
    }
    guard var last else { throw PruningError.nothingToPrune(kept: [:]) }
    last.scales = [("before", original.normalizationScales)]
    if options.sparsityTrain != nil || options.insertBatchnorm {
      last.scales.append(("when channels were chosen", scalesAtChoice))
    }
    last.scales.append(("after", last.graph.normalizationScales))
    return last
  }

  /// What would be removed; nothing is.
  func plan(for source: Graph) throws -> (plan: ChannelPlan, isTargetMet: Bool) {
    let graph = try prepared(source)
    let coupling = try coupling(of: graph)
    let start = try cost(of: graph)
    let choice = try choose(coupling, graph, try target(start), start: start)
    return (
      ChannelPlan(coupling, removing: choice.removed, request: request), choice.isMet
    )
  }

  /// Removes what a saved plan says.
  func apply(_ plan: ChannelPlan, to graph: Graph) throws -> Outcome {
    guard let criterion = ChannelCriterion.named(plan.method) else {
      throw PruningError.unknown(
        kind: "method", name: plan.method, known: ChannelCriterion.all.map(\.name))
    }
    let coupling = try coupling(of: graph)
    var pruning = self
    (pruning.criterion, pruning.request.method) = (criterion, plan.method)
    return try pruning.finish(
      coupling, try plan.groups(of: coupling), plan, isTargetMet: true, isReplay: true)
  }

  // MARK: Steps

  private func coupling(of graph: Graph) throws -> ChannelCoupling {
    let coupling = try ChannelCoupling(
      graph, registry: .standard, inputShapes: try head.parsedShapes(), excluded: excluded)
    for pattern in excluded {
      let names = coupling.producers.flatMap { [graph.nodes[$0.node].name, $0.weight] }
      guard names.contains(where: pattern.matches) else {
        throw PruningError.noSuchLayer(
          pattern: pattern.text, known: coupling.producers.map(\.weight))
      }
    }
    guard !coupling.groups.isEmpty else {
      throw CommandError(
        .badData, "no channel can be removed: \(coupling.obstacles)")
    }
    return coupling
  }

  private func cost(of graph: Graph) throws -> ModelCost {
    try ModelCost(graph, registry: .standard, inputShapes: try head.parsedShapes())
  }

  /// Batch normalisations put back and γ trained towards zero, as far as asked for.
  private func prepared(_ source: Graph) throws -> Graph {
    var graph = source
    if options.insertBatchnorm {
      guard let learning else { throw TrainingError.noImages }
      var adaptation = try ModelAdaptation(graph, head: head, common: common)
      try adaptation.insertBatchNormalization(learning)
      graph = adaptation.graph
    }
    if let epochs = options.sparsityTrain {
      var settings = settings
      settings.training.epochs = epochs
      let scales = graph.nodes.filter { $0.qualifiedType == "BatchNormalization" }.map {
        $0.inputs[1]
      }
      guard !scales.isEmpty else {
        throw PruningError.noScales(method: ChannelCriterion.bnGamma.name)
      }
      let penalty = L1Penalty(strength: options.lambda ?? 1e-4, names: Set(scales))
      common.logger.notice("training towards sparse scales for \(epochs) epochs")
      graph = try trained(graph, original: nil, settings, hooks: [penalty]).current
    }
    return graph
  }

  private func cut(_ graph: Graph, to target: ChannelTarget, start: ModelCost) throws -> Outcome {
    let coupling = try coupling(of: graph)
    let choice = try choose(coupling, graph, target, start: start)
    if !choice.isMet {
      common.logger.warning(
        "\(target.text) cannot be reached with --keep-ratio \(request.leastKept); the strongest cut is taken"
      )
    }
    let plan = ChannelPlan(coupling, removing: choice.removed, request: request)
    return try finish(coupling, choice.removed, plan, isTargetMet: choice.isMet)
  }

  private func calibration(_ graph: Graph) throws -> CalibrationImages {
    try CalibrationImages(
      graph, path: options.calib, otherwise: learning, count: options.calibCount ?? 64, head: head,
      common: common)
  }

  private func sessionOptions(_ passes: [any GraphPass] = []) throws -> SessionOptions {
    var options = SessionOptions(
      threads: common.threadCount, inputShapes: try head.parsedShapes(), passes: passes)
    options.checksTaps = true
    return options
  }

  private func activations(
    _ coupling: ChannelCoupling, _ images: CalibrationImages
  ) throws -> ChannelActivations {
    var index = 0
    let bar = ProgressBar(
      "looking at activations", total: images.count, unit: "images", isShown: common.showsProgress)
    defer { bar.finish() }
    return try ChannelActivations(coupling, registry: .standard, options: try sessionOptions()) {
      session in
      guard index < images.count else { return false }
      try images.fill(index, session)
      index += 1
      bar.update(index)
      return true
    }
  }

  private func choose(
    _ coupling: ChannelCoupling, _ graph: Graph, _ target: ChannelTarget, start: ModelCost
  ) throws -> (removed: Set<Int>, isMet: Bool) {
    var seen: ChannelActivations?
    var saliency: [String: ChannelSaliency.Sums] = [:]
    switch criterion.need {
    case .activations:
      let images = try calibration(graph)
      guard !images.sources.isEmpty else {
        throw CommandError(
          .usage, "--method \(criterion.name) looks at activations: give images with --calib")
      }
      seen = try images.naming { try activations(coupling, images) }
    case .gradients: saliency = try gradients(coupling, graph)
    default: break
    }
    // Reconstruction chooses within layers by itself; how much each loses follows from the norms.
    let ranking = criterion.need == .reconstruction ? .l1 : criterion
    let scores = try ChannelScores(
      coupling, criterion: ranking, activations: seen, saliency: saliency, seed: request.seed)
    let check = ChannelTargetCheck(
      target: target, start: start, coupling: coupling, inputShapes: try head.parsedShapes(),
      threads: common.threadCount)
    var request = request
    if let sensitivity {
      guard sensitivity.fingerprint == coupling.fingerprint else {
        throw PruningError.otherModel(
          reason: "the sensitivity file's weights have other values; measure it again")
      }
      request.allocation = .sensitivity(sensitivity.byProducer(of: coupling))
    }
    return try request.search(in: coupling, scores: scores.groups, isMet: check.isMet)
  }

  private func gradients(
    _ coupling: ChannelCoupling, _ graph: Graph
  ) throws -> [String: ChannelSaliency.Sums] {
    guard learning != nil else {
      throw CommandError(
        .usage,
        "--method \(criterion.name) looks at gradients: give labelled images with --data or --train-data"
      )
    }
    var settings = settings
    settings.training.standStill()
    // Against its own outputs a network has no gradients.
    (settings.augmentation, settings.loss) = (.none, .labels)
    let sums = ChannelSaliency(coupling)
    common.logger.notice("taking gradients from one pass over the training images")
    _ = try trained(graph, original: nil, settings, hooks: [sums])
    return sums.sums
  }

  /// Cuts, proves and makes up for what is gone.
  private func finish(
    _ coupling: ChannelCoupling, _ chosen: Set<Int>, _ plan: ChannelPlan, isTargetMet: Bool,
    isReplay: Bool = false
  ) throws -> Outcome {
    let images = try calibration(coupling.graph)
    return try images.naming {
      try finish(coupling, chosen, plan, images, isTargetMet: isTargetMet, isReplay: isReplay)
    }
  }

  private func finish(
    _ coupling: ChannelCoupling, _ chosen: Set<Int>, _ plan: ChannelPlan,
    _ images: CalibrationImages, isTargetMet: Bool, isReplay: Bool
  ) throws -> Outcome {
    var (chosen, plan) = (chosen, plan)
    var weights: [String: Tensor] = [:]
    var reconstruction: [ChannelReconstruction.Layer] = []
    var remarks: [String] = []
    if criterion.need == .reconstruction {
      let result = try reconstruct(coupling, like: chosen, chooses: !isReplay, images)
      (chosen, weights, reconstruction) = (result.removed, result.weights, result.layers)
      if !isReplay { plan = ChannelPlan(coupling, removing: chosen, request: request) }
    } else if !options.noCompensation, !images.sources.isEmpty {
      let compensation = MeanCompensation(
        coupling, removing: chosen, activations: try activations(coupling, images))
      weights = compensation.weights
      if !compensation.skipped.isEmpty {
        remarks.append(
          "\(compensation.skipped.count) layers have no bias that could take up the mean of removed channels"
        )
      }
    }
    if images.sources.isEmpty {
      remarks.append(
        "no images were given: readers do not get the mean of removed channels, normalisations stay as they are, "
          + "and the proof ran on noise; give --calib")
    }
    let cut = try coupling.removing(chosen, weights: weights)
    // As the graphs are written: what a runtime fuses could round otherwise in one of them.
    let proof = try ChannelProof(
      cut, registry: .standard, options: try sessionOptions(),
      feeds: try (0..<min(images.count, Self.proofImages)).map(images.feed))
    guard proof.holds else {
      throw CommandError(
        .internalError,
        "the pruned network differs by \(proof.largestError) from the whole one without the removed channels; "
          + "nothing is written: please report this model")
    }
    var graph = cut.graph
    var prediction = try Prediction(
      images, inputShapes: head.parsedShapes(), threads: common.threadCount)
    prediction.claims = [
      .init(what: "removing channels", expected: cut.silenced, found: cut.graph)
    ]
    if !options.noCompensation, !images.sources.isEmpty {
      let batches = try images.batches(of: Self.recalibrationBatch)
      let (result, count) = try graph.recalibratingNormalization(
        batches: batches.values, shape: batches.shape, threads: common.threadCount)
      graph = result
      if count > 0 { remarks.append("\(count / 2) batch normalisations measured anew") }
    }
    if graph == cut.graph {
      prediction.claims[0].found = nil
    } else {
      prediction.claims.append(.init(what: "storing the network", expected: graph))
    }
    return Outcome(
      graph: graph, plan: plan, proof: proof, prediction: prediction,
      reconstruction: reconstruction,
      isTargetMet: isTargetMet, remarks: remarks)
  }

  /// Chooses anew within each layer by LASSO and refits those that read them.
  private func reconstruct(
    _ coupling: ChannelCoupling, like pattern: Set<Int>, chooses: Bool,
    _ images: CalibrationImages
  ) throws -> ChannelReconstruction {
    guard !images.sources.isEmpty else {
      throw CommandError(
        .usage, "--method \(criterion.name) reconstructs responses: give images with --calib")
    }
    let bar = ProgressBar(
      "reconstructing", total: coupling.consumers.count, unit: "layers",
      isShown: common.showsProgress)
    defer { bar.finish() }
    return try ChannelReconstruction(
      coupling, like: pattern, chooses: chooses, registry: .standard,
      settings: .init(
        options: try sessionOptions(StandardRewrites.inference), images: images.count,
        seed: request.seed),
      fill: images.fill, observe: { done, _ in bar.update(done) })
  }

  private static let proofImages = 4
  private static let recalibrationBatch = 8

  // MARK: Training

  private func trained(
    _ graph: Graph, original: Graph?, _ settings: DetectorTraining.Settings,
    hooks: [any TrainingHook] = []
  ) throws -> Trainer {
    try DetectorTraining.tune(
      graph, towards: original, on: learning, settings: settings, hooks: hooks, head: head,
      common: common)
  }

  private func train(_ outcome: inout Outcome, original: Graph) throws {
    var settings = settings
    settings.training.epochs = max(1, settings.training.epochs / rounds)
    let trainer = try trained(outcome.graph, original: original, settings)
    outcome.graph = trainer.current
    outcome.trainer = trainer
    outcome.prediction.claims = [.init(what: "storing the network", expected: trainer.current)]
  }
}

extension Graph {
  /// The absolute γ of all batch normalisations.
  fileprivate var normalizationScales: [Double] {
    nodes.filter { $0.qualifiedType == "BatchNormalization" && $0.inputs.count == 5 }.flatMap {
      self[constant: $0.inputs[1]]?.doubles.map(\.magnitude) ?? []
    }
  }
}
