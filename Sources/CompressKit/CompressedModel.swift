import Compression
import Evidence
import Execution
import GraphIR

/// A model that a method made of another one, not written yet.
public struct CompressedModel {
  /// The network.
  public let graph: Graph
  /// The model it was made of.
  public let source: ModelArtifact
  /// What a user should know, a sentence each.
  public let remarks: [String]
  private let record: (any ProvenanceRecord)?
  private let prediction: Prediction?
  private let keepsHalves: Bool

  /// A model with what its metadata will say and what it must compute.
  ///
  /// - Parameters:
  ///   - record: What was done; `nil` when nothing was.
  ///   - prediction: What the network must compute; `nil` where nothing foretells it.
  ///   - keepsHalves: Whether numbers become float16 again where the source has them.
  public init(
    graph: Graph, of source: ModelArtifact, record: (any ProvenanceRecord)?,
    prediction: Prediction?, remarks: [String] = [], keepsHalves: Bool = true
  ) {
    (self.graph, self.source, self.remarks) = (graph, source, remarks)
    (self.record, self.prediction, self.keepsHalves) = (record, prediction, keepsHalves)
  }

  /// Proves the network, writes it and reads it back.
  ///
  /// - Returns: The model as read from the file.
  /// - Throws: `CompressionError/unpredicted(claim:value:difference:)` when the network does not
  ///   compute what its plan says, `EvidenceError`, what writing throws. Nothing is written then.
  @discardableResult
  public func save(_ path: String) throws -> ModelArtifact {
    _ = try prediction?.check(graph)
    return try CompressedFile(
      source: source, graph: source.storable(graph, keepsHalves: keepsHalves), record: record,
      output: path
    ).write()
  }
}
