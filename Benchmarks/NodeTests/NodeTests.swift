import ArgumentParser
import Execution
import Formats
import Foundation
import GraphIR
import Operators
import Tensors

/// Runs many small models on recorded inputs; `Tools/parity/conformance.py` makes them of ONNX's
/// node tests and judges the outputs.
///
/// For each name on standard input it reads `NAME.onnx` and `NAME.inputs.onnx`, whose initializers
/// are the inputs, writes `NAME.outputs.onnx` in the same form, and prints one line of JSON.
@main
struct NodeTests: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "node-tests", abstract: "Run the models of a folder on recorded inputs.")

  @Argument(help: "The folder of models and inputs.") var folder: String

  func run() throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    while let name = readLine() {
      let row = Row(name: name, running: URL(filePath: folder))
      print(String(decoding: try encoder.encode(row), as: UTF8.self))
      fflush(nil)
    }
  }

  private struct Row: Encodable {
    var name: String
    /// The operators that nobody registered.
    var unknown: [String] = []
    /// Why there are no outputs.
    var error: String?

    init(name: String, running folder: URL) {
      self.name = name
      do {
        let graph = try ONNXFormat.load(folder.appending(path: "\(name).onnx"))
        unknown = Set(graph.unknownOperators).sorted()
        guard unknown.isEmpty else { return }
        let feed = try ONNXFormat.load(folder.appending(path: "\(name).inputs.onnx"))
          .initializers.mapValues(\.tensor)
        let session = try Session(
          graph, registry: .standard,
          options: SessionOptions(
            inputShapes: Dictionary(uniqueKeysWithValues: feed.map { ($0.key, $0.value.shape) }),
            passes: StandardRewrites.inference))
        let inputs = Dictionary(uniqueKeysWithValues: feed.map { ($0.key, $0.value) })
        var results = Graph(name: name)
        for (name, tensor) in try session.run(inputs) { results[constant: name] = tensor }
        try ONNXFormat.save(results, to: folder.appending(path: "\(name).outputs.onnx"))
      } catch {
        self.error = "\(error)"
      }
    }
  }
}

extension Graph {
  /// The operators of nodes, those of subgraphs included, that the standard registry does not know.
  fileprivate var unknownOperators: [String] {
    nodes.flatMap { node in
      (OperatorRegistry.standard.knows(node) ? [] : [node.qualifiedType])
        + node.attributes.elements.flatMap { $0.value.subgraphs }.flatMap(\.unknownOperators)
    }
  }
}
