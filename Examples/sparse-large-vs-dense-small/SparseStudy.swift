import ArgumentParser
import Foundation
import Reports

/// Sparse large against dense small: the question of Zhu and Gupta, asked of a detector.
///
/// Dense networks of several widths and the widest one pruned gradually to several sparsities, all
/// on the same images for the same number of epochs, once a seed: every network is trained from
/// nothing for half of them, then trained on for the other half, in which the sparse ones lose
/// their weights.
///
/// Reference: Zhu and Gupta, *To prune, or not to prune*, ICLR 2018 workshop, arXiv:1710.01878.
@main
struct SparseStudy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sparse-study",
    abstract: "Compare sparse large detectors with dense small ones on the embedded scenes.")

  @Option(help: "The folder to fill.") var output = "out/sparse-study"
  @Option(help: "The command to run.") var compress = ".build/release/compress"
  @Option(help: "Passes over the images in each half, for each network.") var epochs = 12
  @Option(help: "Scenes to learn from.") var images = 1200
  @Option(help: "Scenes to score on.") var scored = 300
  @Option(help: "How often each network is trained.") var seeds = 3
  @Option(help: "The architecture.") var arch = "yolov8n"
  @Option(help: "What all widths are multiplied by.") var base = 0.5
  @Option(parsing: .upToNextOption, help: "The widths, the widest first.")
  var widths = [1.0, 0.75, 0.5, 0.25]
  @Option(parsing: .upToNextOption, help: "The sparsities.") var sparsities = [0.5, 0.75, 0.9]

  func run() throws {
    try FileManager.default.createDirectory(
      at: URL(filePath: output), withIntermediateDirectories: true)
    var rows: [Row] = []
    for width in widths {
      rows.append(
        Row("dense × \(width)", .dense, try (0..<seeds).map { try network(width, 0, seed: $0) }))
      try save(rows)
    }
    for sparsity in sparsities {
      rows.append(
        Row(
          "× \(widths[0]) pruned to \(sparsity)", .sparse,
          try (0..<seeds).map { try network(widths[0], sparsity, seed: $0) }))
      try save(rows)
    }
    print(try String(contentsOf: try save(rows), encoding: .utf8))
  }

  // MARK: Runs

  private func folder(_ width: Double, _ seed: Int) -> String { "\(output)/dense-\(width)-\(seed)" }

  /// A dense network of a width, trained from scratch; a finished run is not repeated.
  private func start(_ width: Double, seed: Int) throws -> String {
    let folder = folder(width, seed)
    if !FileManager.default.fileExists(atPath: "\(folder)/done") {
      _ = try call([
        "train", "--arch", arch, "--width", "\(width * base)", "--images", "\(images)", "--epochs",
        "\(epochs)", "--optimizer", "adamw", "--lr", "0.002", "--augment", "light",
        "--validate-every", "\(epochs)", "--val-data", try validation(), "--seed", "\(seed)",
        "--output", folder, "--force",
      ])
      try Data().write(to: URL(filePath: "\(folder)/done"))
    }
    return "\(folder)/last.onnx"
  }

  /// A network trained on, and pruned gradually meanwhile; sparsity 0 leaves it as it is.
  private func network(_ width: Double, _ sparsity: Double, seed: Int) throws -> Result {
    let target = "\(output)/network-\(width)-\(sparsity)-\(seed).onnx"
    if !FileManager.default.fileExists(atPath: target) {
      _ = try call(
        [
          "prune", try start(width, seed: seed), "--schedule", "agp", "--epochs", "\(epochs)",
          "--sparsity", "\(sparsity)", "--train-data", try scenes(), "--lr", "0.002", "--seed",
          "\(seed)", "--output", target,
        ])
    }
    return try score(target)
  }

  /// The scenes that the dense networks learn from, as a pack.
  private func scenes() throws -> String {
    let (folder, pack) = ("\(output)/scenes", "\(output)/scenes.h5")
    if !FileManager.default.fileExists(atPath: pack) {
      _ = try call([
        "dataset", "synth", "--first", "0", "--images", "\(images)", "--output", folder,
      ])
      _ = try call(["dataset", "pack", folder, "--output", pack])
    }
    return pack
  }

  /// The scenes that are scored on: of those that verbs score on, so many.
  private func validation() throws -> String {
    let folder = "\(output)/validation"
    if !FileManager.default.fileExists(atPath: "\(folder)/annotations.json") {
      _ = try call(["dataset", "synth", "--images", "\(scored)", "--output", folder])
    }
    return folder
  }

  private func score(_ model: String) throws -> Result {
    let evaluation = try JSONDecoder().decode(
      Evaluation.self, from: call(["evaluate", model, "--data", try validation()]))
    let size = try JSONDecoder().decode(
      Inspection.self, from: call(["inspect", model, "--summary"]))
    return Result(ap: evaluation.summary["AP"] ?? 0, nonzeros: size.cost.nonzeros)
  }

  private func call(_ arguments: [String]) throws -> Data {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: compress)
    process.arguments = arguments + ["--format", "json", "--quiet"]
    process.standardOutput = pipe
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ValidationError("failed: compress \(arguments.joined(separator: " "))")
    }
    return data
  }

  // MARK: Results

  struct Result {
    var ap: Double
    var nonzeros: Double
  }

  private struct Evaluation: Decodable { var summary: [String: Double] }
  private struct Inspection: Decodable {
    struct Cost: Decodable { var nonzeros: Double }

    var cost: Cost
  }

  private enum Family { case dense, sparse }

  /// One network over all seeds.
  private struct Row {
    var name: String
    var family: Family
    var results: [Result]

    init(_ name: String, _ family: Family, _ results: [Result]) {
      (self.name, self.family, self.results) = (name, family, results)
    }

    var nonzeros: Double { results.reduce(0) { $0 + $1.nonzeros } / Double(results.count) }
    var mean: Double { results.reduce(0) { $0 + $1.ap } / Double(results.count) }
    /// The sample's standard deviation.
    var spread: Double {
      guard results.count > 1 else { return 0 }
      let squares = results.reduce(0) { $0 + ($1.ap - mean) * ($1.ap - mean) }
      return (squares / Double(results.count - 1)).squareRoot()
    }
  }

  /// Writes table and figure; returns the table's place.
  @discardableResult
  private func save(_ rows: [Row]) throws -> URL {
    var text =
      "| network | nonzero parameters | mAP, mean of \(seeds) seeds | spread |\n|---|---:|---:|---:|\n"
    for row in rows {
      text += String(
        format: "| %@ | %.0f | %.4f | ± %.4f |\n", row.name as NSString, row.nonzeros, row.mean,
        row.spread)
    }
    let series = [("dense, narrower", Family.dense), ("widest, sparser", .sparse)].map {
      name, family in
      // The widest dense network is where both begin.
      let own = rows.enumerated().filter { $0.element.family == family || $0.offset == 0 }
        .map(\.element).sorted { $0.nonzeros < $1.nonzeros }
      return LineChart.Series(
        name: name, points: own.map { ($0.nonzeros, $0.mean) }, spreads: own.map(\.spread),
        hasMarks: true)
    }
    let chart = LineChart(
      title: "Sparse large against dense small", xTitle: "nonzero parameters", yTitle: "mAP",
      series: series, axis: .logarithmic)
    try Figure([chart]).svg.write(to: URL(filePath: "\(output)/figure.svg"))
    let table = URL(filePath: "\(output)/table.md")
    try Data(text.utf8).write(to: table)
    return table
  }
}
