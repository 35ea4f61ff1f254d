import Execution
import Foundation
import ObjectDetection
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
    common: CommonOptions
  ) throws {
    let detector = try head.detector(model, common: common)
    let bar = ProgressBar(
      "evaluating \(model.name)", total: dataset.images.count, unit: "images",
      isShown: common.showsProgress)
    let start = ContinuousClock.now
    evaluation = try DetectorEvaluation(
      detector, on: dataset, skipsBad: data.skipBad,
      pool: ThreadPool(threads: common.threadCount), progress: bar.update)
    bar.finish()
    secondsPerImage =
      (ContinuousClock.now - start) / .seconds(1) / Double(max(dataset.images.count, 1))
    configuration = detector.configuration
    for name in evaluation.skipped { common.logger.warning("skipped \(name)") }
  }
}

extension DetectionOptions {
  /// The detector in a model file, under the settings of the options.
  func detector(_ model: LoadedModel, common: CommonOptions) throws -> Detector {
    let runtime = try SessionRuntime(
      model.graph, threads: common.threadCount, inputShapes: try parsedShapes())
    let detector = try Detector(runtime, graph: model.graph, settings: try settings())
    let log = common.logger
    log.info("head \(detector.configuration.family) in \(model.name):")
    for reason in detector.reasons { log.info("  because \(reason)") }
    let p = detector.configuration.preprocessing
    log.info(
      "  preprocessing: \(p.fit.rawValue), \(p.order.rawValue), mean \(p.mean), std \(p.std)")
    return detector
  }

  private func settings() throws -> HeadSettings {
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

extension DataOptions {
  /// The data set, which must have labels.
  func labelled() throws -> Dataset {
    let dataset = try Dataset.load(URL(filePath: data ?? ""), split: split)
    guard dataset.isLabelled else {
      throw CommandError(
        .noInput, "\(dataset.source.path): has images but no labels to score against")
    }
    return dataset
  }
}
