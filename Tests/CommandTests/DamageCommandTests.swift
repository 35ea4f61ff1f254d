import Foundation
import TestSupport
import Testing

/// Every verb that compresses says when much was lost, and what helps.
@Suite struct DamageCommandTests {
  let folder: TemporaryFolder
  private let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path

  init() throws { folder = try TemporaryFolder() }

  private func run(_ words: [String]) throws -> Binary.Outcome {
    try Binary.run(words, in: folder.url)
  }

  static let grave: [(words: [String], helps: String)] = [
    (["prune", "--method", "magnitude", "--sparsity", "0.9"], "--method obs"),
    (["prune", "--method", "l1", "--sparsity", "0.7"], "--method obs"),
    (["lowrank", "--target-macs", "0.3", "--gain", "macs", "--include-ends"], "--recover"),
    (["quantize", "--bits", "3", "--max-damage", "inf"], "more --bits"),
  ]

  @Test(arguments: grave.indices) func withoutLabelsFindingsTell(row: Int) throws {
    let (words, helps) = Self.grave[row]
    let outcome = try run(
      [words[0], model] + words.dropFirst()
        + ["--calib", try FewScenes.learning, "--calib-count", "8", "--format", "json"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let damage = try #require(try outcome.json()["damage"] as? [String: Any])
    #expect(damage["measure"] as? String == "findings")
    #expect((damage["lost"] as? Double ?? 0) > 0.1)
    let lines = outcome.errors.split(separator: "\n").filter { $0.contains("what helps:") }
    #expect(lines.count == 1, "\(outcome.errors)")
    #expect(
      lines.first?.contains("of what the detector finds with confidence changed") ?? false)
    #expect(lines.first?.contains(helps) ?? false, "\(outcome.errors)")
  }

  @Test func withLabelsTheScoreTells() throws {
    let outcome = try run([
      "prune", model, "--method", "magnitude", "--sparsity", "0.9", "--data",
      try FewScenes.path, "--format", "json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let damage = try #require(try outcome.json()["damage"] as? [String: Any])
    #expect(damage["measure"] as? String == "AP")
    let (before, after) = (damage["before"] as? Double ?? 0, damage["after"] as? Double ?? 1)
    #expect(abs((damage["lost"] as? Double ?? 0) - (1 - after / before)) < 1e-9)
    #expect(outcome.errors.contains("warning: mAP fell from "), "\(outcome.errors)")
  }

  @Test func aGoodResultIsNotComplainedOf() throws {
    let outcome = try run([
      "quantize", model, "--calib", try FewScenes.learning, "--format", "json",
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let damage = try #require(try outcome.json()["damage"] as? [String: Any])
    #expect((damage["lost"] as? Double ?? 1) < 0.1)
    #expect(!outcome.errors.contains("what helps:"), "\(outcome.errors)")
  }
}
