import ArgumentParser
import Compression
import Evidence
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Prune
import Tensors

/// `compress inspect`: what a model consists of and costs.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List a model's inputs, outputs, layers and costs.")

  @Argument(
    help: "The model file. (default: the embedded detector)", completion: .file())
  var model: String?

  @OptionGroup(title: "Input") var inputs: InputOptions
  @OptionGroup(title: "Preprocessing") var preprocessing: PreprocessingOptions

  @Flag(help: "Leave out the table of layers.")
  var summary = false

  @Flag(help: "List which channels go together, and which have to stay.")
  var groups = false

  @Option(
    help: ArgumentHelp(
      "Measure what the loss of channels of each layer does, and write it to this file.",
      valueName: "file"), completion: .file(extensions: ["json"]))
  var sensitivity: String?

  @Option(
    help: ArgumentHelp(
      "What counts as damage: output (relative error of the outputs) or mAP. (default: output)",
      valueName: "measure"), completion: .list(SensitivityMeter.Measure.allCases.map(\.rawValue)),
    transform: oneOf("--measure"))
  var measure: SensitivityMeter.Measure?

  @Option(
    help: ArgumentHelp(
      "Fractions of a layer's channels to remove. (default: 0.1,0.25,0.5,0.75)",
      valueName: "fractions"))
  var fractions: String?

  @Option(
    help: ArgumentHelp(
      "How channels are ranked: \(Self.rankings.joined(separator: ", ")). (default: l1)",
      valueName: "name"), completion: .list(rankings))
  var method: String?

  @Option(
    help: ArgumentHelp(
      "Images to compare outputs on: a folder or a data set. (default: the embedded scenes, for the embedded detector)",
      valueName: "path"))
  var calib: String?

  @Option(help: ArgumentHelp("How many of them. (default: 16)", valueName: "count"))
  var calibCount: Int?

  @Option(
    help: ArgumentHelp("Labelled images for --measure mAP.", valueName: "path"))
  var data: String?

  @Option(
    help: ArgumentHelp(
      "The folder that the images of --data lie in, where that is not beside the labels.",
      valueName: "dir"), completion: .directory)
  var images: String?

  @OptionGroup(title: "Scoring") var scoring: ScoringOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  /// Criteria that need nothing but the weights.
  static let rankings = ChannelCriterion.all.filter { [.weights, .scales].contains($0.need) }
    .map(\.name)

  func validate() throws {
    _ = try removedFractions()
    if let method, !Self.rankings.contains(method) {
      throw ValidationError(
        "--method takes \(Self.rankings.joined(separator: ", ")), found '\(method)'.")
    }
    if sensitivity == nil,
      measure != nil || fractions != nil || method != nil || calib != nil || calibCount != nil
        || data != nil || images != nil || scoring.isSet || !preprocessing.words.isEmpty
    {
      throw ValidationError(
        "--measure, --fractions, --method, --calib, --calib-count, --data and --images, what "
          + "scores and what prepares images are for --sensitivity.")
    }
    try NumberRange.counts.check(("--calib-count", calibCount))
  }

  private func removedFractions() throws -> [Double] {
    guard let fractions else { return [0.1, 0.25, 0.5, 0.75] }
    let values = fractions.split(separator: ",").map { Double($0) }
    let known = values.compactMap { $0 }
    guard known.count == values.count, !known.isEmpty, known == known.sorted(),
      known.allSatisfy({ $0 > 0 && $0 < 1 })
    else {
      throw ValidationError(
        "--fractions takes rising numbers between 0 and 1 such as 0.1,0.5, found '\(fractions)'.")
    }
    return known
  }

  func run() throws {
    let loaded = try ModelArtifact(model, inputs: inputs.values())
    var files = VerbFiles(models: [("the model", model)], others: [calib, data])
    if let sensitivity {
      let stem = URL(filePath: sensitivity).deletingPathExtension().path
      for file in [sensitivity, "\(stem).svg", "\(stem).pdf"] {
        files.write("--sensitivity", file)
      }
    }
    try files.check()
    try loaded.naming { try run(loaded) }
  }

  private func run(_ loaded: ModelArtifact) throws {
    let shapes = try inputs.parsedShapes()
    let graph = loaded.graph
    InputShapes.announce(graph, given: shapes, log: common.logger)
    if groups {
      let table = CouplingTable(
        try ChannelCoupling(graph, registry: .standard, inputShapes: shapes))
      if common.format == .json { try Console.json(table) } else { Console.result(table.text) }
      return
    }
    if let sensitivity { return try measure(loaded, file: URL(filePath: sensitivity)) }
    let cost = try ModelCost(
      graph, registry: .standard, inputShapes: shapes, passes: StandardRewrites.inference,
      values: loaded.bound.names)
    var histogram: [String: Int] = [:]
    for node in loaded.stored.nodes { histogram[node.qualifiedType, default: 0] += 1 }
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
      inputs: loaded.stored.requiredInputs.map {
        Port(name: $0.name, type: "\($0.type)", takes: loaded.use(of: $0, shapes: shapes))
      },
      outputs: graph.outputs.map { Port(name: $0.name, type: "\($0.type)") },
      nodes: loaded.stored.nodes.count, operators: histogram, sparsity: cost.sparsity,
      flops: 2 * cost.macs,
      cost: cost, head: InspectedHead(graph, engine: Engine(inputShapes: shapes)))
    try show(result)
  }

  private func measure(_ model: ModelArtifact, file: URL) throws {
    let pool = ThreadPool(threads: common.threadCount)
    var head = try DetectionOptions.parse([])
    (head.inputs, head.preprocessing) = (inputs, preprocessing)
    let engine = try head.engine(common)
    let measurement = SensitivityMeasurement(
      criterion: method.flatMap(ChannelCriterion.named) ?? .l1,
      measure: measure ?? .output,
      fractions: try removedFractions(), engine: engine)
    let scenes = model.isEmbedded ? EmbeddedData.training(pool: pool) : nil
    let choice = try CalibrationChoice(
      path: calib, otherwise: scenes, count: calibCount ?? 16, common: common)
    let labelled =
      try data.map {
        try DataSource(path: $0, images: images).labelled(common, to: "score against")
      } ?? (model.isEmbedded ? EmbeddedData.validation(pool: pool) : nil)
    try scoring.check(hasImages: labelled != nil)
    let result = try measurement.run(
      on: model.graph, images: choice.images(for: model.graph, head: head, engine: engine),
      labelled: labelled.map { try scoring.applied(to: $0, common) }, file: file)
    try result.figure.write(
      to: file.deletingLastPathComponent(), name: file.deletingPathExtension().lastPathComponent)
    if common.format == .json { try Console.json(result) } else { Console.result(result.text) }
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
    for port in result.inputs {
      table.append([
        "input", "\(port.name)  \(port.type)" + (port.takes.map { ", \($0)" } ?? ""),
      ])
    }
    for port in result.outputs { table.append(["output", "\(port.name)  \(port.type)"]) }
    if let head = result.head { table.append(["head", head.text]) }
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
    /// What an input is given when the network runs.
    var takes: String?
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
    /// The detection head; absent where none is recognised.
    var head: InspectedHead?
  }
}
