import Formats
import Foundation
import GraphIR

/// A record in a model's metadata of how it was made.
public protocol ProvenanceRecord: Encodable {
  /// The verb that made it.
  static var verb: String { get }
}

/// A compressed model that is to be written.
public struct CompressedFile {
  let source: ModelArtifact
  /// The model to write.
  let graph: Graph
  /// The record for the model's metadata; `nil` when nothing was changed and an ONNX file is copied
  /// byte for byte.
  let record: (any ProvenanceRecord)?
  let output: String
  let sparseInitializers: Bool

  /// A model that is written to a path.
  public init(
    source: ModelArtifact, graph: Graph, record: (any ProvenanceRecord)?, output: String,
    sparseInitializers: Bool = false
  ) {
    (self.source, self.graph, self.record) = (source, graph, record)
    (self.output, self.sparseInitializers) = (output, sparseInitializers)
  }

  /// Writes the file, reads it again and checks that it holds what was written.
  ///
  /// - Returns: the model as read from the file.
  /// - Throws: ``EvidenceError/unequal(file:)``, what writing and reading throw.
  public func write() throws -> ModelArtifact {
    let url = URL(filePath: output)
    var graph = graph
    try graph.verify()
    if record == nil && isPlainCopy(url) {
      try AtomicFile.write(source.data, to: url)
    } else {
      try addProvenance(&graph)
      try ModelFile.save(graph, to: url, options: .init(sparseInitializers: sparseInitializers))
    }
    let written = try ModelArtifact(output, inputs: source.inputs, isOneOfMany: true)
    try written.stored.verify()
    guard written.stored.isSameModel(as: graph) else {
      throw EvidenceError.unequal(file: output)
    }
    return written
  }

  private func isPlainCopy(_ url: URL) -> Bool {
    !sparseInitializers && source.external.isEmpty && source.format.hasSaveOptions
      && ModelFormat.written(to: url).hasSaveOptions
  }

  /// Adds the record and the digest of the source to the model's metadata.
  private func addProvenance(_ graph: inout Graph) throws {
    guard let record else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let stem = "compress.\(type(of: record).verb)"
    let count = graph.properties.metadata.keys.count { $0.hasPrefix(stem) }
    let key = count == 0 ? stem : "\(stem).\(count + 1)"
    graph.properties.metadata[key] = String(
      decoding: try encoder.encode(record), as: UTF8.self)
  }
}

extension Graph {
  /// Whether the graphs are equal, apart from the order and storage of constants in the file.
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
