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

extension ChannelPruning: CompressionMethod {
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

extension WeightPruning: CompressionMethod {
  /// What of a model would become zero; nothing does.
  ///
  /// - Throws: `PruningError`, what sessions throw.
  public func plan(_ model: ModelArtifact, _ images: CalibrationImages) throws -> PruningPlan {
    try plan(for: model.graph, images: images)
  }

  /// The same from the weights alone.
  ///
  /// - Throws: `PruningError`, also for criteria that need images.
  public func plan(_ model: ModelArtifact) throws -> PruningPlan {
    try plan(for: model.graph)
  }

  /// The model with the zeros that a plan names, refitted where its method does that.
  ///
  /// - Throws: `PruningError`, what sessions throw.
  public func apply(
    _ plan: PruningPlan, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> CompressedModel {
    try pruned(model, by: plan, images)
  }

  /// The same from the weights alone.
  ///
  /// - Throws: `PruningError`, also for plans that need images.
  public func apply(_ plan: PruningPlan, to model: ModelArtifact) throws -> CompressedModel {
    try pruned(model, by: plan, nil)
  }

  private func pruned(
    _ model: ModelArtifact, by plan: PruningPlan, _ images: CalibrationImages?
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

extension Quantization: CompressionMethod {
  /// What of a model would compute on integers, and in which ranges; nothing does.
  ///
  /// - Throws: `QuantizationError`, what sessions throw.
  public func plan(
    _ model: ModelArtifact, _ images: CalibrationImages
  ) throws -> QuantizationPlan {
    try run(on: model.graph, images: images).plan
  }

  /// The model with layers that compute on integers, as a plan says.
  ///
  /// - Throws: `QuantizationError`, what sessions throw.
  public func apply(
    _ plan: QuantizationPlan, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> CompressedModel {
    let outcome = try run(on: model.graph, replaying: plan, images: images)
    var prediction = try Prediction(images, engine: engine)
    prediction.claims = outcome.claims
    return CompressedModel(
      graph: outcome.graph, of: model,
      record: QuantizeRecord(outcome.plan, images: outcome.images, source: model),
      prediction: prediction, remarks: outcome.remarks, keepsHalves: false)
  }
}

extension LowRankFactorization: CompressionMethod {
  /// Which layers of a model would be replaced by factors, and of which ranks; none is.
  ///
  /// - Throws: `LowRankError`, what sessions throw.
  public func plan(
    _ model: ModelArtifact, _ images: CalibrationImages
  ) throws -> DecompositionPlan {
    try plan(for: model.graph, images: images).plan
  }

  /// The model with layers replaced by their factors, as a plan says: proved, refitted.
  ///
  /// - Throws: `LowRankError`, also when the proof fails, what sessions throw.
  public func apply(
    _ plan: DecompositionPlan, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> CompressedModel {
    let outcome = try run(on: model.graph, replaying: plan, images: images)
    return CompressedModel(
      graph: outcome.graph, of: model,
      record: LowRankRecord(outcome.plan, proof: outcome.proof, source: model),
      prediction: outcome.prediction,
      remarks: outcome.remarks + (outcome.ranOnNoise ? [withoutImages] : []))
  }
}

/// The remark on a model that was made without images.
private let withoutImages = "there were no images: nothing is refitted, and the proof ran on noise"
