import Formats
import Foundation
import GraphIR
import Prune

/// A pruned model on its way to a file.
struct PrunedFile {
  var source: LoadedModel
  /// The model to write.
  var graph: Graph
  /// What was done, for the model's metadata; `nil` when nothing was and an ONNX file is copied byte for byte.
  var record: PruningRecord?
  var output: String
  var sparseInitializers: Bool

  /// Writes the file, reads it again and checks that it holds what was written.
  ///
  /// - Returns: the model as read from the file.
  func write() throws -> LoadedModel {
    let url = URL(filePath: output)
    var graph = graph
    try graph.verify()
    if record == nil && isPlainCopy(url) {
      try AtomicFile.write(source.data, to: url)
    } else {
      try addProvenance(&graph)
      try ModelFile.save(graph, to: url, options: .init(sparseInitializers: sparseInitializers))
    }
    let written = try LoadedModel(output)
    try written.graph.verify()
    guard written.graph.isSameModel(as: graph) else {
      throw CommandError(
        .internalError, "\(output): reading the file back gives another model than was written")
    }
    return written
  }

  private func isPlainCopy(_ url: URL) -> Bool {
    let endings = ["h5", "hdf5"]
    return !sparseInitializers && source.external.isEmpty && !source.isHDF5
      && !endings.contains(url.pathExtension.lowercased())
  }

  /// Notes in the model's metadata what was done to which file.
  private func addProvenance(_ graph: inout Graph) throws {
    guard let record else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let count = graph.properties.metadata.keys.count { $0.hasPrefix(Self.metadataKey) }
    let key = count == 0 ? Self.metadataKey : "\(Self.metadataKey).\(count + 1)"
    graph.properties.metadata[key] = String(
      decoding: try encoder.encode(record), as: UTF8.self)
  }

  private static let metadataKey = "compress.prune"
}

/// What a pruned model's metadata say of how it was made.
struct PruningRecord: Encodable {
  var version = Version.text
  /// The SHA-256 digest of the model it was made from.
  var source: String
  var method: String
  var scope: String
  var pattern: String?
  var sparsity: Double?
  var schedule: String?
  /// The fraction of the channels that is gone.
  var channelRatio: Double?
  /// The largest normalised difference that the surgery's proof found.
  var proof: Double?
  var seed: UInt64

  /// The record of weights set to zero; `nil` when the plan changes nothing.
  init?(_ plan: PruningPlan, source: LoadedModel) {
    guard !plan.isIdentity || plan.schedule != nil else { return nil }
    (self.source, method, scope) = (source.sha256, plan.method, plan.scope)
    (pattern, sparsity, schedule) = ("\(plan.pattern)", plan.targetSparsity, plan.schedule)
    seed = plan.seed
  }

  /// The record of channels removed.
  init(_ plan: ChannelPlan, proof: ChannelProof, source: LoadedModel) {
    (self.source, method, scope) = (source.sha256, plan.method, plan.allocation)
    (channelRatio, self.proof, seed) = (plan.channelRatio, proof.largestError, plan.seed)
  }
}

extension Graph {
  /// Whether the graphs are equal but for how and in which order a file stores their constants.
  fileprivate func isSameModel(as other: Graph) -> Bool {
    func content(_ graph: Graph) -> (rest: Graph, constants: [String: Initializer]) {
      var (rest, constants) = (graph, [String: Initializer]())
      for (name, initializer) in graph.initializers {
        constants[name] = initializer
        constants[name]?.encoding = .dense
      }
      rest.initializers = [:]
      return (rest, constants)
    }
    return content(self) == content(other)
  }
}
