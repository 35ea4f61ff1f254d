import Execution
import Formats
import Foundation
import ObjectDetection
import Operators
import Reports
import Tensors

/// Finds out about model files what a comparison shows.
struct EvidenceCollector {
  var head: DetectionOptions
  var data: DataOptions
  var common: CommonOptions
  /// The labelled images; `nil` leaves accuracy out.
  var dataset: Dataset?
  /// Whether latency and peak memory are measured.
  var measures: Bool
  /// Samples of the images that mAP is computed on anew; 0 for none.
  var samples: Int
  /// What decides which images the samples draw.
  var seed: UInt64

  /// Samples of the images in a report.
  static let reportSamples = 1000

  /// A collector that scores on the given images.
  init(
    head: DetectionOptions, data: DataOptions, common: CommonOptions, dataset: Dataset?,
    measures: Bool, samples: Int = 0, seed: UInt64 = 0
  ) {
    (self.samples, self.seed) = (samples, seed)
    self.head = head
    self.data = data
    self.common = common
    self.measures = measures
    self.dataset = dataset
  }

  /// All that is known of a model file under the name tables call it by.
  func evidence(of model: LoadedModel, named name: String) throws -> ModelEvidence {
    try model.naming { try unplacedEvidence(of: model, named: name) }
  }

  private func unplacedEvidence(
    of model: LoadedModel, named name: String
  ) throws -> ModelEvidence {
    let shapes = try head.parsedShapes()
    let cost = try ModelCost(
      model.graph, registry: .standard, inputShapes: shapes, passes: StandardRewrites.inference,
      values: model.bound.names)
    var evidence = ModelEvidence(
      name: name, sha256: model.sha256, fileBytes: model.fileBytes, gzipBytes: model.gzipBytes,
      parameters: cost.parameters, nonzeros: cost.nonzeros, macs: cost.macs,
      layers: cost.nodes.map {
        .init(
          name: $0.name, opType: $0.opType, parameters: $0.parameters, nonzeros: $0.nonzeros,
          macs: $0.macs)
      })
    let widths = NumberWidths(model.stored, cost)
    evidence.storedWeightBits = widths.storedWeightBits
    evidence.peakActivationBytes = cost.peakActivationBytes
    evidence.energy = EnergyEstimate(
      macs: widths.macs, weightBits: widths.storedWeightBits,
      activationBytes: widths.activationBytes)
    evidence.history = model.history
    guard let dataset else { return evidence }
    let accuracy = try Accuracy(model, dataset: dataset, head: head, data: data, common: common)
    evidence.accuracy = Dictionary(
      uniqueKeysWithValues: zip(CocoSummary.names, accuracy.evaluation.summary.values))
    evidence.classes = accuracy.evaluation.classes.filter { $0.objects > 0 }.map {
      .init(name: $0.name, objects: $0.objects, ap: $0.ap, ap50: $0.ap50)
    }
    evidence.settings = accuracy.configuration.lines
    resample(accuracy.evaluation, into: &evidence)
    return evidence
  }

  /// Adds the curve, the interval of mAP and what is seen at the confidence detectors are run with.
  private func resample(_ evaluation: DetectorEvaluation, into evidence: inout ModelEvidence) {
    let curves = evaluation.classes.map(\.precisionAt50).filter { !$0.isEmpty }
    if let points = curves.first?.count {
      evidence.precisionAt50 = (0..<points).map { point in
        curves.reduce(0) { $0 + $1[point] } / Double(curves.count)
      }
    }
    guard samples > 0, evaluation.summary.ap >= 0 else { return }
    let pool = ThreadPool(threads: common.threadCount)
    let table = ResampledPrecision(
      evaluation.scored, detections: evaluation.records, pool: pool)
    evidence.resampledAP = table.samples(samples, seed: seed, pool: pool)
    evidence.apInterval = PairedTest.interval(sorted: evidence.resampledAP.sorted())
    let confidence = head.confidence.map(Double.init) ?? HeadConfiguration.displayConfidence
    evidence.shown = evaluation.shown(from: confidence)
    evidence.deployed = table.operatingPoint(confidence: confidence).map {
      .init(confidence: confidence, recall: $0.recall, precision: $0.precision)
    }
  }

  /// Checks that the files that were scored still hold what was scored.
  ///
  /// - Throws: ``CommandError`` that names the first that does not.
  func checkUnchanged(_ models: [LoadedModel]) throws {
    for model in models where !model.isEmbedded {
      let now = try LoadedModel(model.path)
      guard now.sha256 == model.sha256 else {
        throw CommandError(
          .badData,
          "\(model.path): has changed since it was scored (SHA-256 \(model.sha256) then, \(now.sha256) now); "
            + "run the command again")
      }
    }
  }

  /// What the figures can be traced back to.
  func manifest(
    seed: UInt64, models: [(name: String, model: LoadedModel)]
  ) throws -> ReportManifest {
    ReportManifest(
      version: Version.text, command: ["compress"] + CommandLine.arguments.dropFirst(), seed: seed,
      threads: common.threadCount, cpu: Machine.cpu, system: Machine.system,
      data: try dataset.map {
        .init(
          path: data.data ?? $0.source.lastPathComponent, format: $0.format,
          images: $0.images.count,
          sha256: try $0.digest())
      },
      models: models.map { .init(name: $0.name, path: $0.model.path, sha256: $0.model.sha256) })
  }

  /// Times the models in turn and keeps the quietest round of each, so that passing load hits none alone.
  func measure(_ models: [LoadedModel], into evidence: inout [ModelEvidence]) throws {
    guard measures else { return }
    let bar = ProgressBar(
      "timing", total: Self.rounds * models.count, unit: "runs", isShown: common.showsProgress)
    defer { bar.finish() }
    var failed: Set<Int> = []
    for round in 0..<Self.rounds {
      for (index, model) in models.enumerated() where !failed.contains(index) {
        if let measured = try measure(model) {
          let best = evidence[index].measured?.latencyMedian ?? .infinity
          if measured.latencyMedian < best { evidence[index].measured = measured }
        } else {
          failed.insert(index)
        }
        bar.update(round * models.count + index + 1)
      }
    }
  }

  private static let rounds = 3

  /// Times a model in a process of its own, so that nothing else counts towards its memory.
  private func measure(_ model: LoadedModel) throws -> ModelEvidence.Measured? {
    let process = ChildProcess.process(
      ["benchmark"] + (model.isEmbedded ? [] : [model.url.path]) + ["--format", "json", "--quiet"]
        + ["--threads", "\(common.threadCount)"] + head.inputs.words(for: model.stored))
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try Interruption.start(process)
    let result = output.fileHandleForReading.readDataToEndOfFile()
    let reason = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    Interruption.wait(for: process)
    guard process.terminationStatus == 0,
      let timing = try? JSONFile.decoder().decode(Timing.self, from: result)
    else {
      common.logger.warning(
        "\(model.name) cannot be timed: \(reason.trimmingCharacters(in: .whitespacesAndNewlines))")
      return nil
    }
    return .init(
      latencyMedian: timing.latency.median, latencyP90: timing.latency.p90,
      peakMemoryBytes: timing.peakMemoryBytes)
  }

  private struct Timing: Decodable {
    var latency: LatencyStatistics
    var peakMemoryBytes: Int
  }
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

extension HeadConfiguration {
  /// What decides a score, one line each.
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
