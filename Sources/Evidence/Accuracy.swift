import Execution
import Foundation
import GraphIR
import ObjectDetection
import Tensors

/// The score of a model file on a data set, with the settings.
public struct Accuracy {
  /// The score.
  public let evaluation: DetectorEvaluation
  /// The settings in force.
  public let configuration: HeadConfiguration
  /// How images were prepared, and how that is known.
  public let preparation: PreprocessingReading
  /// Wall time per image, decoding included.
  public let secondsPerImage: Double

  /// Runs a model on every image of a data set.
  ///
  /// The engine's observer is notified of oddities and of images that are left out.
  ///
  /// - Throws: `HeadError`, `InputError`, `ImageError`, what sessions throw.
  public init(
    _ model: ModelArtifact, dataset: Dataset, settings: HeadSettings = HeadSettings(),
    skipsBad: Bool = false, engine: Engine
  ) throws {
    let detectors = try model.detectors(
      images: dataset.images.count, settings: settings, engine: engine)
    let start = ContinuousClock.now
    evaluation = try engine.progress.job(
      "evaluating \(model.name)", total: dataset.images.count, unit: "images"
    ) {
      try DetectorEvaluation(
        detectors, on: dataset, skipsBad: skipsBad, pool: ThreadPool(threads: engine.threads),
        progress: $0)
    }
    secondsPerImage =
      (ContinuousClock.now - start) / .seconds(1) / Double(max(dataset.images.count, 1))
    (configuration, preparation) = (detectors[0].configuration, detectors[0].preparation)
    for name in evaluation.skipped { engine.progress.warning("skipped \(name)") }
    for remark in evaluation.remarks { engine.progress.warning(remark) }
  }
}

extension ModelArtifact {
  /// Copies of the model's detector, as many as the engine's threads and the images allow.
  ///
  /// The engine's observer is notified of how the head is read.
  ///
  /// - Throws: `HeadError`, `InputError`, what sessions throw.
  public func detectors(
    images: Int, settings: HeadSettings = HeadSettings(), engine: Engine
  ) throws -> [Detector] {
    let detectors = try Detector.workers(
      of: graph, settings: settings, images: images, engine: engine)
    report(detectors[0], engine)
    return detectors
  }

  private func report(_ detector: Detector, _ engine: Engine) {
    let log = engine.progress
    let settings = detector.configuration
    log.info("head \(settings.family) in \(name):")
    for reason in detector.reasons { log.info("  because \(reason)") }
    for input in stored.requiredInputs {
      let use = use(of: input, shapes: engine.inputShapes)
      log.info("  input \(input.name) \(input.type)\(use.map { ": \($0)" } ?? "")")
    }
    let p = settings.preprocessing
    log.info(
      "  preprocessing: \(p.fit.rawValue), \(p.order.rawValue), mean \(p.mean), std \(p.std) "
        + "(\(detector.preparation.basis.rawValue))")
    if let remark = detector.preparation.remark { log.warning(remark) }
    log.info(
      "  confidence above \(settings.confidence), IoU up to \(settings.iou), "
        + "\(settings.maxDetections) boxes")
  }
}
