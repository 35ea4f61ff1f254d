import ArgumentParser
import Execution
import Formats
import Foundation
import GraphIR
import Operators
import Tensors

/// `compress compare`: how far the outputs of a model lie from those of another, or from recorded tensors.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a model's outputs with another model's or with recorded tensors.",
    discussion: """
      Without --tensors, both models run on the same random input (uniform in 0…1, from --seed). With --tensors DIR, the \
      inputs are read from DIR/inputs/NAME.npy and the expected outputs from DIR/outputs/NAME.npy, a '/' in a name \
      written as %2F.

      The error is max |a − b| / max |b| over an output.

      EXAMPLE
        compress compare pruned.onnx model.onnx
        compress compare model.onnx --tensors recorded/
      """)

  @Argument(help: "The model file.", completion: .file())
  var model: String

  @Argument(help: "The model to compare with.", completion: .file())
  var reference: String?

  @Option(help: "Recorded inputs and outputs.", completion: .directory)
  var tensors: String?

  @Option(help: "The seed of the random input.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Shape of a dynamic input.", valueName: "name=shape"))
  var inputShape: [String] = []

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (reference == nil) != (tensors == nil) else {
      throw ValidationError("Give either a second model or --tensors DIR.")
    }
    _ = try InputShapes.parse(inputShape)
  }

  func run() throws {
    let session: Session
    let feed: [String: Tensor]
    let expected: [String: Tensor]
    if let tensors {
      let folder = URL(filePath: tensors)
      let graph = try LoadedModel(model).graph
      feed = try read(folder.appending(path: "inputs"), graph.requiredInputs.map(\.name))
      session = try makeSession(graph, shapes: feed.mapValues(\.shape))
      expected = try read(folder.appending(path: "outputs"), session.outputNames)
    } else {
      session = try makeSession(try LoadedModel(model).graph)
      feed = randomFeed(session)
      expected = try makeSession(try LoadedModel(reference ?? model).graph).run(feed)
    }
    let actual = try session.run(feed)
    var rows: [Row] = []
    for name in session.outputNames {
      guard let ours = actual[name], let theirs = expected[name] else { continue }
      guard ours.type == theirs.type else {
        throw CommandError(
          .badData, "output '\(name)' is \(ours.type) here and \(theirs.type) there")
      }
      rows.append(Row(name: name, ours.doubles, theirs.doubles))
    }
    guard !rows.isEmpty else {
      throw CommandError(.badData, "the two have no output of the same name")
    }
    try show(rows)
  }

  /// - Parameter shapes: Those of recorded inputs, where no option tells.
  private func makeSession(_ graph: Graph, shapes: [String: [Int]] = [:]) throws -> Session {
    try Session(
      graph, registry: .standard,
      options: SessionOptions(
        threads: common.threadCount,
        inputShapes: shapes.merging(try InputShapes.parse(inputShape), uniquingKeysWith: { $1 }),
        passes: StandardRewrites.inference))
  }

  private func read(_ folder: URL, _ names: [String]) throws -> [String: Tensor] {
    try names.reduce(into: [:]) { result, name in
      let file = folder.appending(path: name.replacing("/", with: "%2F") + ".npy")
      result[name] = try NPYFormat.load(file)
    }
  }

  private func randomFeed(_ session: Session) -> [String: Tensor] {
    var random = CounterRandom(seed: seed)
    return session.inputs.reduce(into: [:]) { feed, input in
      feed[input.name] =
        input.type.elementType == .float32
        ? Tensor(
          (0..<input.type.count).map { _ in Float.random(in: 0..<1, using: &random) },
          shape: input.type.shape) : Tensor(zeros: input.type)
    }
  }

  private func show(_ rows: [Row]) throws {
    if common.format == .json { return try Console.json(Result(outputs: rows)) }
    var table = Table([
      ("output", .left), ("elements", .right), ("error", .right), ("mean", .right),
    ])
    for row in rows {
      table.append([
        row.name, "\(row.count)", String(format: "%.2e", row.normalizedMaxError),
        String(format: "%.2e", row.normalizedMeanError),
      ])
    }
    Console.result(table.text)
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var outputs: [Row]
  }

  private struct Row: Encodable {
    var name: String
    var count: Int
    var normalizedMaxError: Double
    var normalizedMeanError: Double

    init(name: String, _ ours: [Double], _ theirs: [Double]) {
      self.name = name
      count = ours.count
      let scale = max(theirs.lazy.filter(\.isFinite).map(abs).max() ?? 0, .leastNormalMagnitude)
      let differences = zip(ours, theirs).map {
        $0 == $1 || $0.isNaN && $1.isNaN ? 0 : abs($0 - $1)
      }
      normalizedMaxError = (differences.max() ?? 0) / scale
      normalizedMeanError = differences.reduce(0, +) / Double(max(count, 1)) / scale
    }
  }
}
