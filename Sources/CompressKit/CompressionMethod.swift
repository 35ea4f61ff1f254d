import Compression
import Evidence

/// A method that makes a smaller model of a model: it chooses, then applies.
public protocol CompressionMethod {
  /// What is done to which layers, a value that can be saved and replayed.
  associatedtype Plan: Codable

  /// Chooses what is done to a model; the model stays as it is.
  ///
  /// - Throws: the method's error, what sessions throw.
  func plan(_ model: ModelArtifact, _ images: CalibrationImages) throws -> Plan

  /// The model after what a plan says, with what it must compute.
  ///
  /// - Throws: the method's error, also when a proof fails, what sessions throw.
  func apply(
    _ plan: Plan, to model: ModelArtifact, _ images: CalibrationImages
  ) throws -> CompressedModel
}

extension CompressionMethod {
  /// Chooses, and applies what was chosen.
  ///
  /// - Throws: what ``plan(_:_:)`` and ``apply(_:to:_:)`` throw.
  public func compress(
    _ model: ModelArtifact, _ images: CalibrationImages
  ) throws -> CompressedModel {
    try apply(plan(model, images), to: model, images)
  }
}
