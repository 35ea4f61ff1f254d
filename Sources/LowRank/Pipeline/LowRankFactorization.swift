import Compression
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Tensors
import Training

/// Factorises a detector's layers: chooses ranks, replaces layers, proves, refits and fine-tunes.
public struct LowRankFactorization {
  /// The settings of a factorisation.
  public struct Configuration: Sendable {
    /// The methods; the first that takes a layer is used.
    public var methods: [LowRankMethod] = [.svd, .spatialSVD]
    /// How ranks are chosen.
    public var target: RankTarget
    /// How a budget is distributed.
    public var allocation = RankAllocation.error
    /// The measure of damage, for a distribution by sensitivity.
    public var measure = SensitivityMeter.Measure.output
    /// The file that keeps measured sensitivities; `nil` for none.
    public var sensitivityFile: String?
    /// The quantity that a layer must reduce.
    public var gain = GainQuantity.latency
    /// The least part by which it must be reduced.
    public var leastGain = 0.0
    /// Ranks that are numbers of channels are multiples of this.
    public var multiple = 8
    /// Layers that stay whole.
    public var excluded: [NamePattern] = []
    /// Whether first layers and detection outputs stay whole.
    public var keepsEnds = true
    /// What is refitted on images.
    public var correction = ResponseCorrection.Kind.leastSquares
    /// Sweeps of alternating methods.
    public var iterations = 100
    /// Starts of CP.
    public var starts = 2
    /// Whether batch normalisations are inserted between stages.
    ///
    /// Reference: Tai et al., *Convolutional neural networks with low-rank regularization*, ICLR
    /// 2016, arXiv:1511.06067.
    public var normalizesBetween = false
    /// Whether all weights get new random values after the layers are replaced.
    public var isFromScratch = false
    /// The seed of random starts.
    public var seed: UInt64
    /// How the factorised network is trained; with no epochs it is not trained.
    public var training = DetectorTraining.Settings()

    /// A target, without training.
    public init(_ target: RankTarget, seed: UInt64 = 0) {
      (self.target, self.seed) = (target, seed)
      training.seed = seed
      training.training.epochs = 0
    }
  }

  /// A factorised network, with a record of how it was made.
  public struct Outcome {
    /// The network.
    public var graph: Graph
    /// The replaced layers.
    public var plan: DecompositionPlan
    /// The singular values of each replaced layer, in the order of the plan.
    public var spectra: [[[Double]]]
    /// The proof of the surgery.
    public var proof: FactorizationProof
    /// The effect of refitting, by layer; empty without refitting.
    public var corrections: [ResponseCorrection.StageRefit]
    /// Whether the budget is met.
    public var isTargetMet: Bool
    /// The training; `nil` without.
    public var trainer: Trainer?
    /// What a user should know, a sentence each.
    public var remarks: [String]
    /// What the written file must compute.
    public var prediction: Prediction
    /// Whether there were no images for what was asked: responses are not refitted, and the proof
    /// ran on noise.
    public var ranOnNoise = false
  }

  /// The choice, made before anything is replaced.
  struct Decision {
    var plan: DecompositionPlan
    var choices: [RankChoice.Choice]
    var isTargetMet: Bool
  }

  /// The settings of the factorisation.
  public var configuration: Configuration
  private let head: HeadSettings
  /// How networks are run.
  public let engine: Engine

  /// A factorisation with a configuration.
  ///
  /// - Parameters:
  ///   - head: The given settings of the detector's head; the rest is recognised.
  public init(
    _ configuration: Configuration, head: HeadSettings = HeadSettings(), engine: Engine = Engine()
  ) {
    (self.configuration, self.head, self.engine) = (configuration, head, engine)
  }

  /// The plan, without replacing anything.
  ///
  /// - Parameters:
  ///   - known: A plan to replay; `nil` to make a new choice.
  ///   - images: The calibration images; not used by a choice from weights alone.
  ///   - scoring: The images that mAP is measured on; `nil` for none.
  /// - Throws: ``LowRankError``, what sessions throw.
  public func plan(
    for graph: Graph, replaying known: DecompositionPlan? = nil,
    images: @autoclosure () throws -> CalibrationImages, scoring: Dataset? = nil
  ) throws -> (plan: DecompositionPlan, isTargetMet: Bool) {
    let decision = try decide(on: graph, known, images, scoring)
    return (decision.plan, decision.isTargetMet)
  }

  /// Makes the choice, or replays the plan `known`.
  private func decide(
    on graph: Graph, _ known: DecompositionPlan?, _ images: () throws -> CalibrationImages,
    _ scoring: Dataset?
  ) throws -> Decision {
    let operands = try engine.typed(graph).operands
    let found = FactorizableLayers(
      graph, registry: engine.registry, operands: operands,
      excluded: try excluded(graph), keepsEnds: configuration.keepsEnds && known == nil)
    let methods = try known.map(Self.methods) ?? configuration.methods
    let responses =
      methods.contains(where: \.needsResponses)
      ? try self.responses(found.layers, graph, images()) : [:]
    let (candidates, skipped) = try LayerCandidate.prepare(
      found, methods: methods,
      takesAll: known != nil || configuration.target.isBudget,
      context: {
        FactorizationContext(
          seed: configuration.seed, iterations: configuration.iterations,
          starts: configuration.starts, responses: responses[$0.weight])
      }, threads: engine.threads)
    var choice = RankChoice(
      graph: graph, operands: operands, candidates: candidates, configuration: configuration,
      engine: engine, cost: try engine.cost(of: graph))
    if configuration.allocation == .sensitivity {
      choice.damage = try sensitivity(graph, images(), scoring).damage
    }
    let ranks = try known.map { try Self.ranks($0, candidates) }
    let outcome = try choice.choose(replaying: ranks)
    let plan = DecompositionPlan(
      rule: known?.rule ?? configuration.target.text, seed: configuration.seed,
      layers: outcome.choices.map(\.planned),
      skipped: known?.skipped ?? skipped + outcome.skipped)
    guard !outcome.choices.isEmpty else {
      throw LowRankError.nothingToFactorize(reasons: plan.reasons)
    }
    return Decision(plan: plan, choices: outcome.choices, isTargetMet: outcome.isTargetMet)
  }

  /// Factorises a network.
  ///
  /// - Parameters:
  ///   - known: A plan to replay; `nil` to make a new choice.
  ///   - images: The calibration images, for choosing, refitting and the proof.
  ///   - learning: The images to train on; `nil` for none.
  ///   - scoring: The images that mAP is measured on; `nil` for none.
  /// - Throws: ``LowRankError``, also when the proof fails, what training throws.
  public func run(
    on source: Graph, replaying known: DecompositionPlan? = nil, images: CalibrationImages,
    learning: Dataset? = nil, scoring: Dataset? = nil
  ) throws -> Outcome {
    let decision = try decide(on: source, known, { images }, scoring)
    return try images.naming { try replace(decision, in: source, images, learning) }
  }

  /// Replaces the chosen layers.
  private func replace(
    _ decision: Decision, in source: Graph, _ images: CalibrationImages, _ learning: Dataset?
  ) throws -> Outcome {
    var remarks: [String] = []
    if !decision.isTargetMet {
      remarks.append("the budget cannot be met; the strongest factorisation that gains is taken")
    }
    let proof = try FactorizationProof(
      source,
      layers: decision.choices.map { ($0.candidate.layer, $0.candidate.factorization) },
      inputs: images.first(Self.proofImages), engine: engine)
    guard proof.holds else { throw LowRankError.unproved(difference: proof.largestError) }
    let replaced = decision.choices.map { (layer: $0.candidate.layer, factors: $0.factors) }
    var network = FactorizedNetwork(source, replacing: replaced, registry: engine.registry)
    var corrections: [ResponseCorrection.StageRefit] = []
    let refits = configuration.correction != .none && !configuration.isFromScratch
    if refits, !images.isNoise {
      let correction = try correct(network, source, images)
      (network, corrections) = (correction.network, correction.layers)
    }
    var graph = network.graph
    var prediction = try Prediction(images, engine: engine)
    prediction.claims = [
      .init(
        what: "replacing layers", expected: network.multipliedOut(into: source, replaced),
        found: graph)
    ]
    if configuration.normalizesBetween {
      graph = try normalized(graph, between: Set(network.between), images, &remarks)
    }
    if configuration.isFromScratch {
      graph = graph.reinitialized(seed: settings.seed, registry: engine.registry)
    }
    var outcome = Outcome(
      graph: graph, plan: decision.plan,
      spectra: decision.choices.map { $0.candidate.factorization.spectra }, proof: proof,
      corrections: corrections, isTargetMet: decision.isTargetMet, remarks: remarks,
      prediction: prediction)
    outcome.ranOnNoise = refits && images.isNoise
    if graph == network.graph {
      outcome.prediction.claims[0].found = nil
    } else {
      outcome.prediction.claims.append(.init(what: "storing the network", expected: graph))
    }
    guard settings.training.epochs > 0 else { return outcome }
    let trainer = try DetectorTraining.tune(
      graph, towards: source, on: learning, settings: settings, head: head, engine: engine)
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
    let patterns = configuration.excluded
    let layers = WeightedLayers(graph, registry: engine.registry).layers
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

  private var settings: DetectorTraining.Settings { configuration.training }

  private func responses(
    _ layers: [FactorizableLayer], _ graph: Graph, _ images: CalibrationImages
  ) throws -> [String: ResponseMoments] {
    guard !images.isNoise else {
      throw LowRankError.needsImages(method: LowRankMethod.responseSVD.name)
    }
    return try ResponseMoments.collect(
      layers, in: graph, settings: .init(seed: configuration.seed), inputs: images, engine: engine)
  }

  private func correct(
    _ network: FactorizedNetwork, _ source: Graph, _ images: CalibrationImages
  ) throws -> ResponseCorrection {
    try ResponseCorrection(
      network, original: source, kind: configuration.correction,
      settings: .init(seed: configuration.seed), inputs: images, engine: engine)
  }

  private func sensitivity(
    _ graph: Graph, _ images: CalibrationImages, _ scoring: Dataset?
  ) throws -> LayerSensitivity.Store {
    let measure = configuration.measure
    let meter = try SensitivityMeter(
      graph, measure: measure, images: images, most: Self.sensitivityImages, labelled: scoring,
      settings: head, engine: engine)
    let weights = graph.initializers.values.map(\.tensor).filter { $0.elementType == .float32 }
    let sums = weights.map { "\($0.shape) \($0.floats.reduce(0) { $0 + Double($1) })" }
    return try LayerSensitivity.Store(
      graph, fingerprint: Digest.sha256Text(Data(sums.joined(separator: "\n").utf8)),
      measure: measure.rawValue, file: configuration.sensitivityFile, meter: meter)
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
      engine: engine)
    remarks.append("\(count) batch normalisations put between stages")
    return result
  }
}

extension RankChoice.Choice {
  /// The choice in the form of a plan.
  fileprivate var planned: DecompositionPlan.FactorizedLayer {
    let layer = candidate.layer
    return DecompositionPlan.FactorizedLayer(
      weight: layer.weight, shape: [layer.outputs, layer.inputs] + layer.kernel,
      method: candidate.method.name, rank: rank, reconstructionError: error,
      parameters: .init(before: layer.parameters, after: factors.stages.parameters),
      macs: .init(before: layer.macs, after: factors.stages.macs(for: layer)), timing: timing)
  }
}
