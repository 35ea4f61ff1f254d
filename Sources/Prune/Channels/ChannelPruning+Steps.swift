import Compression
import Execution
import GraphIR
import ObjectDetection
import Tensors
import Training

/// How channels are chosen, removed and compensated.
extension ChannelPruning {
  /// Chooses the groups to remove.
  func choose(
    _ coupling: ChannelCoupling, _ graph: Graph, _ target: ChannelTarget, start: ModelCost,
    _ images: @autoclosure () throws -> CalibrationImages?, _ learning: Dataset?,
    _ sampling: ChannelReconstruction.Settings
  ) throws -> (removed: Set<Int>, isMet: Bool) {
    var request = configuration.request
    var scores: [Double]
    if criterion.need == .moments || measuresDamage {
      let images = try real(images())
      let elimination = try images.naming {
        try eliminate(coupling, graph, target, images, sampling)
      }
      if measuresDamage { request.allocation = .measured(elimination.order) }
      scores =
        try criterion.need == .moments
        ? elimination.scores(count: coupling.groups.count)
        : self.scores(coupling, graph, images, learning)
    } else {
      scores = try self.scores(coupling, graph, images(), learning)
    }
    if let sensitivity = configuration.sensitivity {
      guard sensitivity.fingerprint == coupling.fingerprint else {
        throw PruningError.otherModel(
          reason: "the sensitivity file's weights have other values; measure it again")
      }
      request.allocation = .sensitivity(sensitivity.byProducer(of: coupling))
    }
    let check = ChannelTargetCheck(
      target: target, start: start, coupling: coupling, engine: engine)
    return try request.search(in: coupling, scores: scores, isMet: check.isMet)
  }

  /// The images, which must not be noise.
  private func real(_ images: CalibrationImages?) throws -> CalibrationImages {
    guard let images, !images.isNoise else {
      throw PruningError.needsImages(method: criterion.name)
    }
    return images
  }

  private func eliminate(
    _ coupling: ChannelCoupling, _ graph: Graph, _ target: ChannelTarget,
    _ images: CalibrationImages, _ sampling: ChannelReconstruction.Settings
  ) throws -> ChannelElimination {
    let meter = try SensitivityMeter(
      graph, measure: .detection, images: images, most: Self.damageImages, settings: head,
      engine: engine)
    let readers = try ChannelReaders(
      coupling, settings: sampling, inputs: images, engine: engine)
    return try ChannelElimination(
      coupling, readers: readers, weights: readers.weights(damage: meter.damage, engine: engine),
      cost: ChannelCost(coupling, counting: target.quantity, engine: engine),
      leastKept: configuration.request.leastKept, engine: engine)
  }

  private static let damageImages = 16

  /// How images are sampled for least squares, with the importance of positions and outputs where
  /// layers are judged or refitted.
  func sampling(
    _ coupling: ChannelCoupling, _ images: @autoclosure () throws -> CalibrationImages?
  ) throws -> ChannelReconstruction.Settings {
    var settings = ChannelReconstruction.Settings(seed: configuration.request.seed)
    guard criterion.need.refits || measuresDamage, let images = try images(), !images.isNoise
    else { return settings }
    let (uniform, count) = (settings, images.count)
    let readers = (coupling.consumers + coupling.depthwise).compactMap {
      LayerReader(coupling, $0)
    }
    settings.importance = try images.naming {
      try ResponseImportance(
        coupling.graph,
        of: readers.map { reader in
          .init(node: reader.layer.node, reader: reader.reader) {
            uniform.positions(of: reader, in: $0, of: count)
          }
        }, images: images, head: head, seed: settings.seed, engine: engine)
    }
    return settings
  }

  /// The scores of groups by the criterion.
  private func scores(
    _ coupling: ChannelCoupling, _ graph: Graph,
    _ images: @autoclosure () throws -> CalibrationImages?, _ learning: Dataset?
  ) throws -> [Double] {
    var seen: ChannelActivations?
    var saliency: [String: ChannelSaliency.Sums] = [:]
    switch criterion.need {
    case .activations:
      let images = try real(images())
      seen = try images.naming {
        try ChannelActivations(coupling, inputs: images, engine: engine)
      }
    case .gradients: saliency = try gradients(coupling, graph, learning)
    default: break
    }
    // Reconstruction itself chooses the channels of a layer; how many each layer loses follows from
    // the norms.
    let ranking = criterion.need == .reconstruction ? .l1 : criterion
    return try ChannelScores(
      coupling, criterion: ranking, activations: seen, saliency: saliency,
      seed: configuration.request.seed
    ).groups
  }

  private func gradients(
    _ coupling: ChannelCoupling, _ graph: Graph, _ learning: Dataset?
  ) throws -> [String: ChannelSaliency.Sums] {
    guard learning != nil else { throw PruningError.needsGradients(method: criterion.name) }
    var settings = settings
    settings.training.standStill()
    // A network has no gradients against its own outputs, so labels are used.
    (settings.augmentation, settings.loss) = (.none, .labels)
    let sums = ChannelSaliency(coupling)
    engine.progress.notice("taking gradients from one pass over the training images")
    _ = try trained(graph, original: nil, settings, learning, hooks: [sums])
    return sums.sums
  }

  /// Cuts, proves and compensates.
  func finish(
    _ coupling: ChannelCoupling, _ chosen: Set<Int>, _ plan: ChannelPlan,
    _ images: CalibrationImages, _ sampling: ChannelReconstruction.Settings, isTargetMet: Bool,
    isReplay: Bool = false
  ) throws -> Outcome {
    var plan = plan
    let surgery = try surgery(coupling, chosen, images, sampling, isReplay: isReplay)
    if criterion.need == .reconstruction, !isReplay {
      plan = ChannelPlan(coupling, removing: surgery.removed, request: request)
    }
    var remarks = surgery.remarks
    let cut = try coupling.removing(surgery.removed, weights: surgery.weights)
    let proof = try ChannelProof(cut, inputs: images.first(Self.proofImages), engine: engine)
    guard proof.holds else { throw PruningError.unproved(difference: proof.largestError) }
    var graph = cut.graph
    var prediction = try Prediction(images, engine: engine)
    prediction.claims = [
      .init(what: "removing channels", expected: cut.silenced, found: cut.graph)
    ]
    // Refitted layers answer as the original's did, for which its statistics hold.
    if configuration.compensates, !images.isNoise, !criterion.need.refits {
      let batches = try images.batches(of: Self.recalibrationBatch)
      let (result, count) = try graph.recalibratingNormalization(
        batches: batches.values, shape: batches.shape, engine: engine)
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
      reconstruction: surgery.layers, isTargetMet: isTargetMet, remarks: remarks,
      ranOnNoise: images.isNoise)
  }

  private static let proofImages = 4
  private static let recalibrationBatch = 8

  /// The groups to cut, and the weights that compensate for them.
  private struct Surgery {
    var removed: Set<Int>
    var weights: [String: Tensor] = [:]
    var layers: [ChannelReconstruction.ReaderRefit] = []
    var remarks: [String] = []
  }

  private func surgery(
    _ coupling: ChannelCoupling, _ chosen: Set<Int>, _ images: CalibrationImages,
    _ sampling: ChannelReconstruction.Settings, isReplay: Bool
  ) throws -> Surgery {
    var surgery = Surgery(removed: chosen)
    if criterion.need.refits {
      guard !images.isNoise else { throw PruningError.needsImages(method: criterion.name) }
      let result = try ChannelReconstruction(
        coupling, like: chosen, chooses: criterion.need == .reconstruction && !isReplay,
        settings: sampling, inputs: images, engine: engine)
      surgery.removed = result.removed
      (surgery.weights, surgery.layers) = (result.weights, result.layers)
    } else if configuration.compensates, !images.isNoise {
      let compensation = MeanCompensation(
        coupling, removing: chosen,
        activations: try ChannelActivations(coupling, inputs: images, engine: engine))
      surgery.weights = compensation.weights
      if !compensation.skipped.isEmpty {
        surgery.remarks.append(
          "\(compensation.skipped.count) layers have no bias that could take up the mean of "
            + "removed channels")
      }
    }
    return surgery
  }
}
