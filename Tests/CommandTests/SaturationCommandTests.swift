import Foundation
import TestSupport
import Testing

/// INT8 for the CPU that it runs on.
@Suite struct SaturationCommandTests {
  let folder: TemporaryFolder
  private let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path

  init() throws { folder = try TemporaryFolder() }

  private func quantize(_ words: String..., output: String) throws -> Binary.Outcome {
    let outcome = try Binary.run(
      [
        "quantize", model, "--calib", try FewScenes.learning, "--max-damage", "inf", "--output",
        output,
      ]
        + words, in: folder.url)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome
  }

  /// How far a file is from itself where sums saturate, on noise.
  private func difference(_ file: String) throws -> Double {
    let run = try Binary.run(
      ["compare", file, file, "--simulate-saturation", "--format", "json"], in: folder.url)
    try #require(run.status == 0, "\(run.errors)")
    let outputs = try #require(try run.json()["outputs"] as? [[String: Any]])
    return outputs.compactMap { $0["normalizedMaxError"] as? Double }.max() ?? .infinity
  }

  @Test func byDefaultNoSumSaturatesAnywhere() throws {
    let outcome = try quantize(output: "any.onnx")
    #expect(
      outcome.output.contains(
        "No sum of products can saturate: CPUs with and without VNNI, and ARM, compute the same"),
      "\(outcome.output)")
    #expect(try difference("any.onnx") == 0)
    #expect(try difference(quantized("x86-avx2")) == 0)
  }

  @Test(arguments: ["x86-vnni", "arm"]) func otherwiseItIsSaidWhereTheyDo(target: String) throws {
    let outcome = try quantize(
      "--target", target, "--format", "json", output: "exact.onnx")
    let layers = try #require(try outcome.json()["saturating"] as? [String])
    #expect(!layers.isEmpty)
    #expect(try outcome.json()["target"] as? String == target)
    #expect(try difference("exact.onnx") > 0)
    let text = try quantize("--target", target, output: "exact.onnx").output
    #expect(text.contains("in \(layers.count) layers pairs of products may leave 16 bits"))
    #expect(text.contains("--target any avoids it"), "\(text)")
  }

  @Test func trainedWeightsStaySafe() throws {
    let outcome = try quantize(
      "--finetune", "1", "--loss", "match", "--train-data", FewScenes.learning, "--format", "json",
      output: "trained.onnx")
    #expect(try outcome.json()["saturating"] as? [String] == [])
    #expect(try difference("trained.onnx") == 0)
  }

  @Test func adaptiveRoundingStaysSafe() throws {
    let outcome = try quantize("--rounding", "adaptive", "--format", "json", output: "up.onnx")
    #expect(try outcome.json()["saturating"] as? [String] == [])
  }

  private func quantized(_ target: String) throws -> String {
    _ = try quantize("--target", target, output: "\(target).onnx")
    return "\(target).onnx"
  }
}

/// What ONNX Runtime's kernels for AVX2 made of a network is met bit for bit.
@Suite struct SaturationGoldenTests {
  private let folder = SharedAssets.package.appending(path: "Tests/Goldens/Saturation").path

  private func error(_ words: String...) throws -> Double {
    let run = try Binary.run(
      ["compare", "\(folder)/saturation.onnx", "--tensors", folder, "--format", "json"] + words)
    try #require(run.status == 0, "\(run.errors)")
    let outputs = try #require(try run.json()["outputs"] as? [[String: Any]])
    return try #require(outputs.first?["normalizedMaxError"] as? Double)
  }

  @Test func simulatedSumsAreThoseOfONNXRuntime() throws {
    #expect(try error("--simulate-saturation") == 0)
    #expect(try error() > 0.1)
  }
}
