import Compression
import Evidence
import Execution
import Foundation
import GraphIR
import LowRank
import ObjectDetection
import Prune
import Quantize

extension CalibrationImages {
  /// The first images of a folder or data set, preprocessed as a model takes them.
  ///
  /// - Throws: `DatasetError` when there are none, `InputError` when the model takes no image.
  public init(
    folder: String, for model: ModelArtifact, count: Int = 64,
    settings: HeadSettings = HeadSettings(), engine: Engine = Engine()
  ) throws {
    let images = try Dataset.load(URL(filePath: folder), reading: DatasetReading())
    guard !images.images.isEmpty else { throw DatasetError.noImages(folder) }
    try self.init(model.graph, images, count: count, settings: settings, engine: engine)
  }
}

extension ChannelPruning {
  /// What would be removed of a model; nothing is.
  ///
  /// - Throws: `PruningError`, what sessions throw.
  public func plan(_ model: ModelArtifact, _ images: CalibrationImages) throws -> ChannelPlan {
    try plan(for: model.graph, images: images).plan
  }

  /// The model without what a plan names: proved, refitted.
  ///
  /// - Throws: `PruningError`, also when the proof fails, what sessions throw.
  public func apply(
    _ plan: ChannelPlan, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> CompressedModel {
    let outcome = try apply(plan, to: model.graph, images: images)
    return CompressedModel(
      graph: outcome.graph, of: model,
      record: PruningRecord(outcome.plan, proof: outcome.proof, source: model),
      prediction: outcome.prediction,
      remarks: outcome.remarks + (outcome.ranOnNoise ? [withoutImages] : []))
  }
}

extension WeightPruning {
  /// What of a model would become zero; nothing does.
  ///
  /// - Throws: `PruningError`, what sessions throw.
  public func plan(
    _ model: ModelArtifact, _ images: CalibrationImages? = nil
  ) throws -> PruningPlan {
    try plan(for: model.graph, images: images)
  }

  /// The model with the zeros that a plan names, refitted where its method does that.
  ///
  /// - Throws: `PruningError`, what sessions throw.
  public func apply(
    _ plan: PruningPlan, to model: ModelArtifact, _ images: CalibrationImages? = nil
  ) throws -> CompressedModel {
    let outcome = try run(on: model.graph, replaying: plan, images: images)
    var prediction = outcome.predicted.flatMap { _ in
      Prediction.onNoise(model.graph, engine: engine)
    }
    prediction?.claims =
      outcome.predicted.map {
        [.init(what: "zeroing weights", expected: $0)]
      } ?? []
    return CompressedModel(
      graph: outcome.graph, of: model, record: PruningRecord(outcome.plan, source: model),
      prediction: prediction)
  }
}

extension Quantization {
  /// The model with layers that compute on integers, by a plan where one is given.
  ///
  /// - Throws: `QuantizationError`, what sessions throw.
  public func apply(
    _ plan: QuantizationPlan? = nil, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> (model: CompressedModel, plan: QuantizationPlan) {
    let outcome = try run(on: model.graph, replaying: plan, images: images)
    var prediction = try Prediction(images, engine: engine)
    prediction.claims = outcome.claims
    return (
      CompressedModel(
        graph: outcome.graph, of: model,
        record: QuantizeRecord(outcome.plan, images: outcome.images, source: model),
        prediction: prediction, remarks: outcome.remarks, keepsHalves: false), outcome.plan
    )
  }
}

extension LowRankFactorization {
  /// The model with layers replaced by their factors, by a plan where one is given.
  ///
  /// - Throws: `LowRankError`, also when the proof fails, what sessions throw.
  public func apply(
    _ plan: DecompositionPlan? = nil, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> (model: CompressedModel, plan: DecompositionPlan) {
    let outcome = try run(on: model.graph, replaying: plan, images: images)
    return (
      CompressedModel(
        graph: outcome.graph, of: model,
        record: LowRankRecord(outcome.plan, proof: outcome.proof, source: model),
        prediction: outcome.prediction,
        remarks: outcome.remarks + (outcome.ranOnNoise ? [withoutImages] : [])), outcome.plan
    )
  }
}

/// What a model says that was made without images.
private let withoutImages = "there were no images: nothing is refitted, and the proof ran on noise"
