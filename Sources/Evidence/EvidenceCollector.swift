import Execution
import Formats
import Foundation
import ObjectDetection
import Reports
import Tensors

/// Collects the facts and measurements of model files for a comparison.
public struct EvidenceCollector {
  /// What is found out, and how.
  public struct Configuration {
    /// The given settings of the head; the rest is recognised.
    public var settings = HeadSettings()
    /// The labelled images; `nil` leaves accuracy out.
    public var dataset: Dataset?
    /// Their path in the manifest; `nil` for the name of their file.
    public var dataPath: String?
    /// Whether images that cannot be read are left out.
    public var skipsBad = false
    /// The timer of models; `nil` leaves latency and peak memory out.
    public var timer: (any ModelTimer)?
    /// The number of samples of the images on which mAP is computed again; 0 for none.
    public var samples = 0
    /// The seed that decides which images the samples draw.
    public var seed: UInt64 = 0
    /// The confidence threshold for use; `nil` for the one from which boxes are drawn.
    public var confidence: Double?
    /// The words of the command, for the manifest.
    public var command: [String] = []

    /// A configuration for costs and sizes alone.
    public init() {}
  }

  /// What is found out, and how.
  public var configuration: Configuration
  let engine: Engine

  /// The number of samples of the images in a report.
  public static let reportSamples = 1000

  /// A collector of a configuration.
  public init(_ configuration: Configuration = Configuration(), engine: Engine) {
    (self.configuration, self.engine) = (configuration, engine)
  }

  private var dataset: Dataset? { configuration.dataset }
  private var samples: Int { configuration.samples }
  private var seed: UInt64 { configuration.seed }

  /// The facts and measurements of a model file, under a name for tables.
  /// - Throws: ``ModelError``, what reading images throws.
  public func evidence(of model: ModelArtifact, named name: String) throws -> ModelEvidence {
    try model.naming { try unplacedEvidence(of: model, named: name) }
  }

  private func unplacedEvidence(
    of model: ModelArtifact, named name: String
  ) throws -> ModelEvidence {
    let cost = try engine.cost(of: model.graph, isRewritten: true, values: model.bound.names)
    var evidence = ModelEvidence(
      name: name, sha256: model.sha256, fileBytes: model.fileBytes, gzipBytes: model.gzipBytes,
      parameters: cost.parameters, nonzeros: cost.nonzeros, macs: cost.macs,
      layers: cost.nodes.map {
        .init(
          name: $0.name, opType: $0.opType, parameters: $0.parameters, nonzeros: $0.nonzeros,
          macs: $0.macs)
      })
    let widths = BitWidths(model.stored, cost, registry: engine.registry)
    evidence.storedWeightBits = widths.storedWeightBits
    evidence.peakActivationBytes = cost.peakActivationBytes
    evidence.energy = EnergyEstimate(
      macs: widths.macs, weightBits: widths.storedWeightBits,
      activationBytes: widths.activationBytes)
    evidence.history = model.history
    guard let dataset else { return evidence }
    let accuracy = try Accuracy(
      model, dataset: dataset, settings: configuration.settings,
      skipsBad: configuration.skipsBad, engine: engine)
    evidence.accuracy = Dictionary(
      uniqueKeysWithValues: zip(CocoSummary.names, accuracy.evaluation.summary.values))
    evidence.classes = accuracy.evaluation.classes.filter { $0.objects > 0 }.map {
      .init(name: $0.name, objects: $0.objects, ap: $0.ap, ap50: $0.ap50)
    }
    evidence.settings = accuracy.configuration.lines + accuracy.evaluation.remarks
    evidence.sample = dataset.sample.map(ImageSample.init)
    resample(accuracy.evaluation, into: &evidence)
    return evidence
  }

  /// Adds the precision–recall curve, the interval of mAP, and recall and precision at the
  /// confidence threshold for use.
  private func resample(_ evaluation: DetectorEvaluation, into evidence: inout ModelEvidence) {
    let curves = evaluation.classes.map(\.precisionAt50).filter { !$0.isEmpty }
    if let points = curves.first?.count {
      evidence.precisionAt50 = (0..<points).map { point in
        curves.reduce(0) { $0 + $1[point] } / Double(curves.count)
      }
    }
    guard samples > 0, evaluation.summary.ap >= 0 else { return }
    let pool = ThreadPool(threads: engine.threads)
    let table = ResampledPrecision(
      evaluation.scored, detections: evaluation.records, pool: pool)
    evidence.resampledAP = table.samples(samples, seed: seed, pool: pool)
    evidence.leftOutAP = table.leavingOut(parts: Self.leftOutParts, pool: pool)
    evidence.apInterval =
      BootstrapInterval(
        evidence.resampledAP, around: evaluation.summary.ap, leftOut: evidence.leftOutAP
      ).ends
    let confidence = configuration.confidence ?? HeadConfiguration.displayConfidence
    evidence.shown = evaluation.shown(from: confidence)
    evidence.deployed = table.operatingPoint(confidence: confidence).map {
      .init(confidence: confidence, recall: $0.recall, precision: $0.precision)
    }
  }

  /// How images are prepared for a model; `nil` for one that takes no image.
  func preparation(of model: ModelArtifact) -> PreprocessingReading? {
    try? PreprocessingReading(model.graph, settings: configuration.settings, engine: engine)
  }

  /// Checks that the files that were scored still hold what was scored.
  ///
  /// - Throws: ``EvidenceError/changed(file:before:after:)`` for the first that does not.
  public func checkUnchanged(_ models: [ModelArtifact]) throws {
    for model in models where !model.isEmbedded {
      let now = try ModelArtifact(model.path)
      guard now.sha256 == model.sha256 else {
        throw EvidenceError.changed(
          file: model.path, before: model.sha256, after: now.sha256)
      }
    }
  }

  /// The models, data, commands and versions behind the figures.
  ///
  /// - Throws: What reading the images throws.
  public func manifest(
    models: [(name: String, model: ModelArtifact)]
  ) throws -> ReportManifest {
    ReportManifest(
      version: Version.text, command: configuration.command, seed: seed,
      threads: engine.threads, cpu: Machine.cpu, system: Machine.system,
      data: try dataset.map {
        .init(
          path: configuration.dataPath ?? $0.source.lastPathComponent, format: $0.format,
          images: $0.images.count, sample: $0.sample.map(ImageSample.init),
          sha256: try $0.digest())
      },
      models: models.map { .init(name: $0.name, path: $0.model.path, sha256: $0.model.sha256) })
  }

  /// Times the models in turn and keeps the fastest round of each, so that passing load on the
  /// machine does not affect one model alone.
  ///
  /// - Throws: What the timer throws.
  public func measure(
    _ models: [ModelArtifact], into evidence: inout [ModelEvidence]
  ) throws {
    guard let timer = configuration.timer else { return }
    try engine.progress.job("timing", total: Self.rounds * models.count, unit: "runs") { done in
      var failed: Set<Int> = []
      for round in 0..<Self.rounds {
        for (index, model) in models.enumerated() where !failed.contains(index) {
          if let measured = try timer.time(model, engine: engine) {
            let best = evidence[index].measured?.latencyMedian ?? .infinity
            if measured.latencyMedian < best { evidence[index].measured = measured }
          } else {
            failed.insert(index)
          }
          done(round * models.count + index + 1)
        }
      }
    }
  }

  private static let rounds = 3
  /// The parts of the images that are left out one after the other for the acceleration of
  /// intervals.
  private static let leftOutParts = 50
}

extension DetectorEvaluation {
  /// The boxes from a confidence on, by the id of their image.
  fileprivate func shown(from confidence: Double) -> [Int: [Disagreement.Box]] {
    let names = Dictionary(
      scored.categories.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
    var shown: [Int: [Disagreement.Box]] = [:]
    for record in records where record.score >= confidence {
      shown[record.image, default: []].append(
        .init(
          name: names[record.category] ?? "", confidence: record.score, left: record.x,
          top: record.y, width: record.width, height: record.height))
    }
    return shown
  }
}

extension ImageSample {
  init(_ sample: Dataset.Sample) {
    self.init(images: sample.images, of: sample.of, seed: sample.seed)
  }
}

extension HeadConfiguration {
  /// The settings that affect a score, one line each.
  var lines: [String] {
    let p = preprocessing
    func list(_ values: [Float]) -> String {
      (Set(values).count == 1 ? Array(values.prefix(1)) : values).map {
        String(format: "%g", Double($0))
      }.joined(separator: " ")
    }
    return [
      "head \(family), \(classes.count) classes",
      "preprocessing \(p.fit.rawValue)\(p.fit == .stretch ? "" : " on \(p.pad)"), "
        + "\(p.order.rawValue), mean \(list(p.mean)), std \(list(p.std))",
      "boxes from confidence \(confidence), IoU \(iou), at most \(maxDetections) an image",
    ]
  }
}

extension Dataset {
  /// The SHA-256 digest of the images' bytes and of all labels.
  func digest() throws -> String {
    var text = categories.map { "\($0.id) \($0.name)\n" }.joined()
    for image in images {
      let bytes = try image.source.identity()
      text += "\(image.id) \(image.file.lastPathComponent) \(Digest.sha256Text(bytes))\n"
    }
    for a in annotations {
      text += "\(a.image) \(a.category) \(a.x) \(a.y) \(a.width) \(a.height) \(a.area) "
      text += "\(a.isCrowd) \(a.isDifficult)\n"
    }
    return Digest.sha256Text(Data(text.utf8))
  }
}
