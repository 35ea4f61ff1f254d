import ArgumentParser
import Compression
import Evidence
import Execution
import Formats
import Foundation
import GraphIR
import Operators
import Tensors

/// `compress compare`: how far the outputs of a model lie from those of another, or from recorded
/// tensors.
struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a model's outputs with another model's or with recorded tensors.")

  @Argument(help: "The model file.", completion: .file())
  var model: String

  @Argument(help: "The model to compare with.", completion: .file())
  var reference: String?

  @Option(help: "Recorded inputs and outputs.", completion: .directory)
  var tensors: String?

  @Option(help: "The seed of the random input.")
  var seed: UInt64 = 0

  @Flag(
    help:
      "Run the model, not the reference, as CPUs without VNNI do: sums of products saturate at 16 bits."
  )
  var simulateSaturation = false

  @OptionGroup(title: "Input") var inputs: InputOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    guard (reference == nil) != (tensors == nil) else {
      throw ValidationError("Give either a second model or --tensors DIR.")
    }
  }

  func run() throws {
    let session: Session
    let other = tensors ?? reference ?? model
    let feed: [String: Tensor]
    let expected: [String: Tensor]
    if let tensors {
      let folder = URL(filePath: tensors)
      let loaded = try load(model)
      feed = try read(folder.appending(path: "inputs"), loaded.graph.requiredInputs.map(\.name))
      session = try makeSession(
        loaded, shapes: feed.mapValues(\.shape), saturates: simulateSaturation)
      expected = try read(folder.appending(path: "outputs"), session.outputNames)
    } else {
      session = try makeSession(load(model), saturates: simulateSaturation)
      feed = randomFeed(session)
      expected = try ModelError.naming(other) {
        let second = try makeSession(load(other))
        return try second.run(fitted(feed, to: second))
      }
    }
    let actual = try ModelError.naming(model) { try session.run(feed) }
    for name in Set(session.outputNames).symmetricDifference(expected.keys).sorted() {
      common.logger.warning("output '\(name)' is on one side only and is not compared")
    }
    var rows: [ComparedOutput] = []
    for name in session.outputNames {
      guard let ours = actual[name], let theirs = expected[name] else { continue }
      guard
        ours.type == theirs.type
          || ours.shape == theirs.shape && tensors == nil
            && ours.elementType.isFloatingPoint && theirs.elementType.isFloatingPoint
      else {
        throw CommandError(
          .badData,
          "\(model): output '\(name)' is \(ours.type), in \(other) it is \(theirs.type)")
      }
      rows.append(
        ComparedOutput(name, ours.doubles, reference: theirs.doubles))
    }
    guard !rows.isEmpty else {
      throw CommandError(.badData, "\(model): has no output of a name that \(other) has, too")
    }
    try show(rows)
  }

  private func load(_ path: String) throws -> ModelArtifact {
    // Recorded inputs are whole; what is known by name stands in for drawn ones alone.
    let values = try inputs.values()
    return try ModelArtifact(
      path, inputs: tensors == nil || !values.constants.isEmpty ? values : nil)
  }

  /// - Parameter shapes: Those of recorded inputs, where no option tells.
  private func makeSession(
    _ model: ModelArtifact, shapes: [String: [Int]] = [:], saturates: Bool = false
  ) throws -> Session {
    let given = try inputs.values().shapes
    return try model.naming {
      try Session(
        model.graph, registry: .standard,
        options: SessionOptions(
          threads: common.threadCount, inputShapes: shapes.merging(given, uniquingKeysWith: { $1 }),
          passes: StandardRewrites.inference + (saturates ? [SimulateSaturation()] : [])))
    }
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
      let tensor = Tensor(uninitialized: input.type)
      tensor.view.fillRandomly(using: &random)
      feed[input.name] = tensor
    }
  }

  /// An input for another model, which may take float16 where the first takes float32.
  private func fitted(_ feed: [String: Tensor], to session: Session) -> [String: Tensor] {
    session.inputs.reduce(into: feed) { feed, input in
      guard let tensor = feed[input.name], tensor.elementType != input.type.elementType else {
        return
      }
      let target = input.type.elementType
      if target.isHalf { feed[input.name] = tensor.widened.narrowed(to: target) }
      if target == .float32 { feed[input.name] = tensor.widened }
    }
  }

  private func show(_ rows: [ComparedOutput]) throws {
    if common.format == .json { return try Console.json(Result(outputs: rows)) }
    var table = Table([
      ("output", .left), ("elements", .right), ("error", .right), ("mean", .right),
      ("not finite", .right),
    ])
    for row in rows {
      table.append([
        row.name, "\(row.count)", String(format: "%.2e", row.normalizedMaxError),
        String(format: "%.2e", row.normalizedMeanError), "\(row.nonFinite)",
      ])
    }
    Console.result(table.text)
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var outputs: [ComparedOutput]
  }
}
