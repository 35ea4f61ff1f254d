import Formats
import Foundation
import GraphIR
import Prune

/// A pruned model on its way to a file.
struct PrunedFile {
  var source: LoadedModel
  /// The model to write.
  var graph: Graph
  /// How its zeros were chosen.
  var plan: PruningPlan
  var output: String
  var sparseInitializers: Bool

  /// Writes the file, reads it again and checks that it holds what was written.
  ///
  /// A plan that changes nothing copies an ONNX file byte for byte.
  ///
  /// - Returns: the model as read from the file.
  func write() throws -> LoadedModel {
    let url = URL(filePath: output)
    var graph = graph
    try graph.verify()
    let isCopy = plan.isIdentity && plan.schedule == nil
    if isCopy && isPlainCopy(url) {
      try AtomicFile.write(source.data, to: url)
    } else {
      if !isCopy { try addProvenance(&graph) }
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
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let record = Provenance(
      version: Version.text, source: source.sha256, method: plan.method, scope: plan.scope,
      pattern: "\(plan.pattern)", sparsity: plan.targetSparsity, schedule: plan.schedule,
      seed: plan.seed)
    let count = graph.properties.metadata.keys.count { $0.hasPrefix(Self.metadataKey) }
    let key = count == 0 ? Self.metadataKey : "\(Self.metadataKey).\(count + 1)"
    graph.properties.metadata[key] = String(
      decoding: try encoder.encode(record), as: UTF8.self)
  }

  private static let metadataKey = "compress.prune"

  private struct Provenance: Encodable {
    var version: String
    var source: String
    var method: String
    var scope: String
    var pattern: String
    var sparsity: Double
    var schedule: String?
    var seed: UInt64
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
