import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// How well a model file detects on a data set, and under which settings.
struct Accuracy {
  /// The score.
  let evaluation: DetectorEvaluation
  /// The settings in force.
  let configuration: HeadConfiguration
  /// Wall time an image, decoding included.
  let secondsPerImage: Double

  /// Runs a model on every image of a data set.
  init(
    _ model: LoadedModel, dataset: Dataset, head: DetectionOptions, data: DataOptions,
    common: CommonOptions, passes: [any GraphPass] = StandardRewrites.inference
  ) throws {
    let detectors = try head.detectors(
      model, images: dataset.images.count, common: common, passes: passes)
    let bar = ProgressBar(
      "evaluating \(model.name)", total: dataset.images.count, unit: "images",
      isShown: common.showsProgress)
    let start = ContinuousClock.now
    evaluation = try DetectorEvaluation(
      detectors, on: dataset, skipsBad: data.skipBad,
      pool: ThreadPool(threads: common.threadCount), progress: bar.update)
    bar.finish()
    secondsPerImage =
      (ContinuousClock.now - start) / .seconds(1) / Double(max(dataset.images.count, 1))
    configuration = detectors[0].configuration
    for name in evaluation.skipped { common.logger.warning("skipped \(name)") }
    for remark in evaluation.remarks { common.logger.warning("\(remark)") }
  }
}

extension DetectionOptions {
  /// Equal detectors of a model file under the settings of the options, as many as threads and images allow.
  ///
  /// - Parameter fallback: Thresholds where neither the options nor the settings name any.
  func detectors(
    _ model: LoadedModel, images: Int, common: CommonOptions, fallback: HeadSettings? = nil,
    passes: [any GraphPass] = StandardRewrites.inference
  ) throws -> [Detector] {
    var settings = try self.settings()
    settings.confidence = settings.confidence ?? fallback?.confidence
    settings.iou = settings.iou ?? fallback?.iou
    let shapes = try parsedShapes()
    let count = max(1, min(common.threadCount, images))
    let threads = max(1, common.threadCount / count)
    let first = try Detector(
      try SessionRuntime(model.graph, threads: threads, inputShapes: shapes, passes: passes),
      graph: model.graph, settings: settings)
    report(first, of: model, to: common, shapes: shapes)
    return try [first]
      + (1..<count).map { _ in
        Detector(
          first,
          on: try SessionRuntime(
            model.graph, threads: threads, inputShapes: shapes, passes: passes))
      }
  }

  private func report(
    _ detector: Detector, of model: LoadedModel, to common: CommonOptions, shapes: [String: [Int]]
  ) {
    let log = common.logger
    let settings = detector.configuration
    log.info("head \(settings.family) in \(model.name):")
    for reason in detector.reasons { log.info("  because \(reason)") }
    for input in model.stored.requiredInputs {
      let use = model.use(of: input, shapes: shapes)
      log.info("  input \(input.name) \(input.type)\(use.map { ": \($0)" } ?? "")")
    }
    let p = settings.preprocessing
    log.info(
      "  preprocessing: \(p.fit.rawValue), \(p.order.rawValue), mean \(p.mean), std \(p.std)")
    log.info(
      "  confidence above \(settings.confidence), IoU up to \(settings.iou), \(settings.maxDetections) boxes"
    )
  }

  /// What the options say of the head.
  func settings() throws -> HeadSettings {
    var settings = HeadSettings()
    if HeadFamily.named(head) != nil {
      settings.family = head
    } else if head != "auto" {
      settings = try HeadSettings.load(URL(filePath: head))
    }
    if let confidence { settings.confidence = Double(confidence) }
    if let iou { settings.iou = Double(iou) }
    if let maxDetections { settings.maxDetections = maxDetections }
    return settings
  }
}
