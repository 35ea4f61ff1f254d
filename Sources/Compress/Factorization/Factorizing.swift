import Execution
import Formats
import Foundation
import GraphIR
import Layers
import LowRank
import ObjectDetection
import Operators
import Reports
import Tensors
import Training

/// Factorises a detector's layers: chooses, replaces, proves, refits, trains on.
struct Factorizing {
  var options: LowRankOptions
  var head: DetectionOptions
  /// How the factorised network is trained; no epochs train nothing.
  var settings: DetectorTraining.Settings
  /// The images to train on; `nil` for none.
  var learning: Dataset?
  /// The images to score on; `nil` for none.
  var scoring: Dataset?
  var common: CommonOptions

  /// A factorised network and how it came about.
  struct Outcome {
    var graph: Graph
    var plan: DecompositionPlan
    var proof: FactorizationProof
    var corrections: [ResponseCorrection.Layer]
    var isTargetMet: Bool
    var trainer: Trainer?
    var remarks: [String]
    /// What a report adds to the comparison.
    var report: LowRankReport
    /// What the written file must compute.
    var prediction: Prediction
  }

  /// What is decided before anything is replaced.
  struct Decision {
    var plan: DecompositionPlan
    var choices: [RankChoice.Choice]
    var isTargetMet: Bool
  }

  /// Decides; `known` replays a plan.
  func decide(on graph: Graph, known: DecompositionPlan? = nil) throws -> Decision {
    let shapes = try head.parsedShapes()
    let operands = TypedGraph(
      graph, registry: .standard, inputs: try graph.concreteInputTypes(shapes)
    ).operands
    let found = FactorizableLayers(
      graph, registry: .standard, operands: operands,
      excluded: try excluded(graph), keepsEnds: !options.includeEnds && known == nil)
    let methods = try known.map(Self.methods) ?? options.methods()
    let responses =
      methods.contains(where: \.needsResponses) ? try self.responses(found.layers, graph) : [:]
    let (candidates, skipped) = try LayerCandidate.prepare(
      found, methods: methods,
      takesAll: known != nil || options.targetMacs != nil || options.sparsity != nil,
      context: {
        FactorizationContext(
          seed: options.seed ?? 0, iterations: options.iterations ?? 100,
          starts: options.starts ?? 2, responses: responses[$0.weight])
      }, threads: common.threadCount)
    var choice = RankChoice(
      graph: graph, operands: operands, candidates: candidates, options: options, common: common,
      cost: try ModelCost(graph, registry: .standard, inputShapes: shapes))
    if options.allocation == .sensitivity {
      choice.damage = try sensitivity(graph).damage
    }
    let ranks = try known.map { try Self.ranks($0, candidates) }
    let outcome = try choice.choose(replaying: ranks)
    var rule = try known?.rule ?? options.rule().text
    if let macs = options.targetMacs { rule = "target-macs=\(macs)" }
    if let sparsity = options.sparsity { rule = "sparsity=\(sparsity)" }
    let plan = DecompositionPlan(
      rule: rule, seed: options.seed ?? 0, layers: outcome.choices.map(\.planned),
      skipped: known?.skipped ?? skipped + outcome.skipped)
    guard !outcome.choices.isEmpty else {
      throw LowRankError.nothingToFactorize(reasons: plan.reasons)
    }
    return Decision(plan: plan, choices: outcome.choices, isTargetMet: outcome.isTargetMet)
  }

  /// Factorises a network.
  ///
  /// - Throws: ``LowRankError``, ``CommandError`` when the proof fails, what training throws.
  func run(on source: Graph, known: DecompositionPlan? = nil) throws -> Outcome {
    let decision = try decide(on: source, known: known)
    let images = try calibration(source)
    return try images.naming { try replace(decision, in: source, images) }
  }

  /// Replaces what was decided.
  private func replace(
    _ decision: Decision, in source: Graph, _ images: CalibrationImages
  ) throws -> Outcome {
    var remarks: [String] = []
    if !decision.isTargetMet {
      remarks.append("the budget cannot be met; the strongest factorisation that gains is taken")
    }
    let proof = try FactorizationProof(
      source,
      layers: decision.choices.map { ($0.candidate.layer, $0.candidate.factorization) },
      registry: .standard, options: try sessionOptions(),
      feeds: try (0..<min(images.count, Self.proofImages)).map(images.feed))
    guard proof.holds else {
      throw CommandError(
        .internalError,
        "with factors of full rank the network differs by \(proof.largestError) from what it was; "
          + "nothing is written: please report this model")
    }
    let replaced = decision.choices.map { (layer: $0.candidate.layer, factors: $0.factors) }
    var network = FactorizedNetwork(source, replacing: replaced)
    var corrections: [ResponseCorrection.Layer] = []
    if options.kind != .none, !options.fromScratch {
      if images.sources.isEmpty {
        remarks.append(
          "no images were given: responses are not refitted and the proof ran on noise; give --calib"
        )
      } else {
        let correction = try correct(network, source, images)
        (network, corrections) = (correction.network, correction.layers)
      }
    }
    var graph = network.graph
    var prediction = try Prediction(
      images, inputShapes: head.parsedShapes(), threads: common.threadCount)
    prediction.claims = [
      .init(
        what: "replacing layers", expected: network.multipliedOut(into: source, replaced),
        found: graph)
    ]
    if options.batchnormBetween {
      graph = try normalized(graph, between: Set(network.between), images, &remarks)
    }
    if options.fromScratch { graph = graph.reinitialized(seed: settings.seed) }
    var outcome = Outcome(
      graph: graph, plan: decision.plan, proof: proof, corrections: corrections,
      isTargetMet: decision.isTargetMet, remarks: remarks,
      report: LowRankReport(decision, corrections), prediction: prediction)
    if graph == network.graph {
      outcome.prediction.claims[0].found = nil
    } else {
      outcome.prediction.claims.append(.init(what: "storing the network", expected: graph))
    }
    guard settings.training.epochs > 0 else { return outcome }
    let trainer = try DetectorTraining.tune(
      graph, towards: source, on: learning, settings: settings, head: head, common: common)
    (outcome.graph, outcome.trainer) = (trainer.current, trainer)
    outcome.prediction.claims[0].found = network.graph
    outcome.prediction.claims = Array(outcome.prediction.claims.prefix(1))
    outcome.prediction.claims.append(
      .init(what: "storing the network", expected: trainer.current))
    return outcome
  }

  private static let proofImages = 2
  private static let sensitivityImages = 8

  // MARK: Steps

  private func excluded(_ graph: Graph) throws -> [NamePattern] {
    let patterns = options.exclude.map { NamePattern($0) }
    let layers = WeightedLayers(graph, registry: .standard).layers
    for pattern in patterns {
      let names = layers.flatMap { [graph.nodes[$0.node].name, $0.weight] }
      guard names.contains(where: pattern.matches) else {
        throw LowRankError.noSuchLayer(pattern: pattern.text, known: layers.map(\.weight))
      }
    }
    return patterns
  }

  private static func methods(of plan: DecompositionPlan) throws -> [LowRankMethod] {
    try Set(plan.layers.map(\.method)).sorted().map {
      guard let method = LowRankMethod.named($0) else {
        throw LowRankError.otherModel(reason: "its method '\($0)' is not known")
      }
      return method
    }
  }

  private static func ranks(
    _ plan: DecompositionPlan, _ candidates: [LayerCandidate]
  ) throws -> [(LayerCandidate, [Int])] {
    try plan.layers.map { layer in
      guard
        let own = candidates.first(where: {
          $0.layer.weight == layer.weight && $0.method.name == layer.method
        })
      else {
        throw LowRankError.otherModel(reason: "'\(layer.weight)' is no layer to factorise")
      }
      guard [own.layer.outputs, own.layer.inputs] + own.layer.kernel == layer.shape else {
        throw LowRankError.otherModel(reason: "'\(layer.weight)' has another shape")
      }
      guard own.accepts(layer.rank) else {
        throw LowRankError.rank(
          layer.rank, layer: layer.weight, most: own.factorization.ranks.last ?? [])
      }
      return (own, layer.rank)
    }
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

  private func correctionSettings(
    _ images: CalibrationImages, passes: [any GraphPass]
  ) throws -> ResponseCorrection.Settings {
    .init(
      options: try sessionOptions(passes), images: images.sources.count, seed: options.seed ?? 0)
  }

  private func responses(
    _ layers: [FactorizableLayer], _ graph: Graph
  ) throws -> [String: ResponseMoments] {
    let images = try calibration(graph)
    guard !images.sources.isEmpty else {
      throw CommandError(
        .usage, "--method response-svd looks at responses: give images with --calib")
    }
    return try ResponseMoments.collect(
      layers, in: graph, settings: try correctionSettings(images, passes: []),
      fill: images.fill)
  }

  private func correct(
    _ network: FactorizedNetwork, _ source: Graph, _ images: CalibrationImages
  ) throws -> ResponseCorrection {
    let bar = ProgressBar(
      "refitting", total: network.chains.count, unit: "layers", isShown: common.showsProgress)
    defer { bar.finish() }
    return try ResponseCorrection(
      network, original: source, kind: options.kind,
      settings: try correctionSettings(images, passes: StandardRewrites.inference),
      fill: images.fill, observe: bar.update)
  }

  private func sensitivity(_ graph: Graph) throws -> LayerSensitivity.Store {
    let measure = options.measure ?? .output
    let meter = try DamageMeter(
      graph, measure: measure, images: try calibration(graph), most: Self.sensitivityImages,
      labelled: scoring, head: head, common: common)
    let weights = graph.initializers.values.map(\.tensor).filter { $0.elementType == .float32 }
    let sums = weights.map { "\($0.shape) \($0.floats.reduce(0) { $0 + Double($1) })" }
    return try LayerSensitivity.Store(
      graph, fingerprint: Digest.sha256Text(Data(sums.joined(separator: "\n").utf8)),
      measure: measure.rawValue, file: options.sensitivity, meter: meter)
  }

  private func normalized(
    _ graph: Graph, between: Set<String>, _ images: CalibrationImages, _ remarks: inout [String]
  ) throws -> Graph {
    let others = graph.nodes.filter { $0.opType == "Conv" }.flatMap(\.outputs).filter {
      !between.contains($0)
    }
    let batches = try images.batches(of: 1)
    let (result, count) = try graph.insertingBatchNormalization(
      except: Set(others), calibration: batches.values, shape: batches.shape,
      threads: common.threadCount)
    remarks.append("\(count) batch normalisations put between stages")
    return result
  }
}

extension RankChoice.Choice {
  /// The choice as a plan says it.
  fileprivate var planned: DecompositionPlan.Layer {
    let layer = candidate.layer
    return DecompositionPlan.Layer(
      weight: layer.weight, shape: [layer.outputs, layer.inputs] + layer.kernel,
      method: candidate.method.name, rank: rank, reconstructionError: error,
      parameters: .init(before: layer.parameters, after: factors.stages.parameters),
      macs: .init(before: layer.macs, after: factors.stages.macs(for: layer)), timing: timing)
  }
}

extension LowRankReport {
  /// What was decided and refitted.
  fileprivate init(_ decision: Factorizing.Decision, _ refits: [ResponseCorrection.Layer]) {
    let spectra = decision.choices.map { $0.candidate.factorization.spectra }
    self.init(
      layers: zip(decision.plan.layers, spectra).map { layer, spectra in
        .init(
          name: layer.weight, method: layer.method, rank: layer.rank.text,
          error: layer.reconstructionError,
          parameters: (layer.parameters.before, layer.parameters.after),
          macs: (layer.macs.before, layer.macs.after),
          latency: layer.timing.map { ($0.before, $0.after) }, spectra: spectra)
      },
      refits: refits.map {
        .init(name: $0.weight, errorBefore: $0.errorBefore, errorAfter: $0.errorAfter)
      }, skipped: decision.plan.skipped.map { ($0.weight, $0.reason) })
  }

  /// Writes tables and figures into a folder.
  func write(to folder: String) throws {
    let url = URL(filePath: folder)
    let figures = url.appending(path: "figures")
    try OutputFolder.make(figures)
    try AtomicFile.write(csv, to: url.appending(path: "lowrank.csv"))
    if !refits.isEmpty {
      try AtomicFile.write(refitsCSV, to: url.appending(path: "reconstruction.csv"))
    }
    if layers.contains(where: { !$0.spectra.isEmpty }) {
      try spectraFigure.write(to: figures, name: "spectra")
    }
    try errorsFigure.write(to: figures, name: "lowrank")
    if !layers.isEmpty { try layersFigure.write(to: figures, name: "ranks") }
  }
}
