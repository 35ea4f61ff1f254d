import ArgumentParser
import Execution
import Formats
import Foundation
import GraphIR
import Operators

/// `compress inspect`: what a model consists of and costs.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List a model's inputs, outputs, layers and costs.",
    discussion: """
      Counts parameters (elements of the float constants that nodes read), those that are not zero, multiply–accumulates \
      (1 MAC = 2 FLOPs) and the memory that activations need at once.

      EXAMPLES
        compress inspect model.onnx
        compress inspect model.onnx --summary
        compress inspect dynamic.onnx --input-shape images=1x3x640x640 --format json
      """)

  @Argument(
    help: "The model file. (default: the embedded detector)", completion: .file())
  var model: String?

  @Option(help: ArgumentHelp("Shape of a dynamic input.", valueName: "name=shape"))
  var inputShape: [String] = []

  @Flag(help: "Leave out the table of layers.")
  var summary = false

  @OptionGroup var common: CommonOptions

  func validate() throws { _ = try InputShapes.parse(inputShape) }

  func run() throws {
    let loaded = try LoadedModel(model)
    let graph = loaded.graph
    let shapes = try InputShapes.parse(inputShape)
    InputShapes.announce(graph, given: shapes, log: common.logger)
    let cost = try ModelCost(graph, registry: .standard, inputShapes: shapes)
    var histogram: [String: Int] = [:]
    for node in graph.nodes { histogram[node.qualifiedType, default: 0] += 1 }
    let result = Result(
      file: loaded.name, fileBytes: loaded.fileBytes, gzipBytes: loaded.gzipBytes,
      sha256: loaded.sha256, irVersion: graph.properties.irVersion,
      opsets: Dictionary(
        graph.properties.opsets.map { ($0.key.isEmpty ? "ai.onnx" : $0.key, $0.value) },
        uniquingKeysWith: { $1 }),
      producer: [graph.properties.producerName, graph.properties.producerVersion]
        .filter { !$0.isEmpty }.joined(separator: " "),
      metadata: Dictionary(
        graph.properties.metadata.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }),
      inputs: graph.requiredInputs.map { Port(name: $0.name, type: "\($0.type)") },
      outputs: graph.outputs.map { Port(name: $0.name, type: "\($0.type)") },
      nodes: graph.nodes.count, operators: histogram, sparsity: cost.sparsity, flops: 2 * cost.macs,
      cost: cost)
    try show(result)
  }

  private func show(_ result: Result) throws {
    if common.format == .json { return try Console.json(result) }
    var table = Table([("", .left), ("", .left)])
    table.append([
      "file",
      "\(result.file), \(Format.megabytes(result.fileBytes)) (gzip \(Format.megabytes(result.gzipBytes)))",
    ])
    table.append([
      "written by",
      "\(result.producer.isEmpty ? "unknown" : result.producer), IR version \(result.irVersion)",
    ])
    let opsets = result.opsets.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    table.append(["operator sets", opsets.joined(separator: ", ")])
    for port in result.inputs { table.append(["input", "\(port.name)  \(port.type)"]) }
    for port in result.outputs { table.append(["output", "\(port.name)  \(port.type)"]) }
    let c = result.cost
    table.append([
      "parameters",
      "\(Format.count(c.parameters)), \(Format.count(c.nonzeros)) not zero (sparsity \(Format.percent(c.sparsity)))",
    ])
    table.append([
      "MACs", "\(Format.count(c.macs)) (FLOPs = 2 × MACs = \(Format.count(2 * c.macs)))",
    ])
    table.append(["activations", "\(Format.megabytes(c.peakActivationBytes)) at once"])
    let operators = result.operators.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    table.append([
      "nodes",
      "\(result.nodes): " + operators.map { "\($0.value) \($0.key)" }.joined(separator: ", "),
    ])
    if !c.uncounted.isEmpty {
      table.append(["not counted", "unknown operators \(c.uncounted.joined(separator: ", "))"])
    }
    Console.result(table.text.trimmingCharacters(in: .newlines))
    guard !summary else { return }
    var layers = Table([
      ("layer", .left), ("operator", .left), ("output", .left), ("weight", .left),
      ("parameters", .right), ("sparsity", .right), ("MACs", .right),
    ])
    for node in c.nodes {
      layers.append([
        String(node.name.suffix(44)), node.opType, "\(node.outputShape)",
        node.weightShape.isEmpty ? "" : "\(node.weightShape)", "\(node.parameters)",
        Format.percent(node.sparsity), Format.count(node.macs),
      ])
    }
    Console.result("\n" + layers.text)
  }

  private struct Port: Encodable {
    var name: String
    var type: String
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var file: String
    var fileBytes: Int
    var gzipBytes: Int
    var sha256: String
    var irVersion: Int
    var opsets: [String: Int]
    var producer: String
    var metadata: [String: String]
    var inputs: [Port]
    var outputs: [Port]
    var nodes: Int
    var operators: [String: Int]
    var sparsity: Double
    var flops: Int
    var cost: ModelCost
  }
}
