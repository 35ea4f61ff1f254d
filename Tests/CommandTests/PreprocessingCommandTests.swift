import Formats
import Foundation
import GraphIR
import TestSupport
import Testing

/// How images are prepared for a network whose head is not recognised, as options, files and
/// metadata say.
@Suite struct PreprocessingCommandTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyImages.write(to: folder.url)
    try TinyDetector.write(to: folder.url, as: "plain.onnx") { graph in
      graph.nodes.append(
        Node("Flatten", name: "flatten", inputs: ["last.y"], outputs: ["row"]))
      graph.outputs = [
        ValueInfo(name: "row", type: ValueType(.init(.float32, [1, 256])))
      ]
    }
  }

  private func run(_ words: [String]) throws -> Binary.Outcome {
    try Binary.run(words + ["--threads", "1"], in: folder.url)
  }

  private func quantize(
    _ words: String..., model: String = "plain.onnx", to output: String = "int8.onnx"
  ) throws -> Binary.Outcome {
    try run(
      [
        "quantize", model, "--calib", "images/val", "--observer", "minmax", "--output", output,
      ] + words)
  }

  /// The step of the quantised input, times its 255 steps: how far white pixels go.
  private func white(_ file: String = "int8.onnx") throws -> Int {
    let graph = try ModelFile.load(folder.url.appending(path: file))
    let node = try #require(
      graph.nodes.first { $0.opType == "QuantizeLinear" && $0.inputs[0] == "images" })
    let scale = try #require(graph.constants[node.inputs[1]]).doubles[0]
    return Int((scale * 255).rounded())
  }

  private func metadata(_ file: String) throws -> String? {
    try ModelFile.load(folder.url.appending(path: file)).properties
      .metadata["compress.preprocessing"]
  }

  @Test func aGuessIsWarnedOfOnceAndNotWrittenAsAFact() throws {
    let run = try quantize()
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.ranges(of: "which is a guess").count == 1, "\(run.errors)")
    #expect(run.errors.contains("warning: images are stretched, and pixels go from 0 to 1"))
    #expect(try white() == 1 && metadata("int8.onnx") == nil)
  }

  @Test(arguments: [
    ["--head", "head.yaml"], ["--std", "1"], ["--scale", "1"], ["--mean", "0", "--std", "1"],
  ])
  func whatIsSaidIsObeyedWrittenAndReadBack(words: [String]) throws {
    try Data("preprocessing: {std: [1]}\n".utf8).write(to: folder.url.appending(path: "head.yaml"))
    let pruned = try run(
      ["prune", "plain.onnx", "--method", "magnitude", "--sparsity", "0.5", "--output", "p.onnx"]
        + words)
    #expect(pruned.status == 0, "\(pruned.errors)")
    #expect(try metadata("p.onnx")?.contains(#""std":[1,1,1]"#) ?? false)
    let run = try quantize(model: "p.onnx")
    #expect(run.status == 0 && !run.errors.contains("guess"), "\(run.errors)")
    #expect(try white() == 255)
    // An option counts more than what the file says.
    #expect(try quantize("--std", "127.5", model: "p.onnx", to: "other.onnx").status == 0)
    #expect(try white("other.onnx") == 2)
  }

  @Test func optionsReachRecipes() throws {
    let recipe = """
      model: plain.onnx
      calib: images/val
      scale: 1
      pixel-order: bgr
      steps: [quantize: {observer: minmax}]
      """
    try Data(recipe.utf8).write(to: folder.url.appending(path: "recipe.yaml"))
    let run = try run(["run", "recipe.yaml", "--no-timing"])
    #expect(run.status == 0, "\(run.errors)")
    #expect(try white("recipe-work/01-quantize.onnx") == 255)
    #expect(try metadata("recipe-work/01-quantize.onnx")?.contains("BGR") ?? false)
  }

  @Test(arguments: [
    (["--mean", "0.485", "--std", "0.229"], "give scale 1/255"), (["--scale", "1,1,1"], "--scale"),
    (["--mean", "red"], "--mean"), (["--std", "0"], "--std"), (["--pixel-order", "hsv"], "rgb"),
    (["--fit", "crop"], "letterbox-centre"),
  ])
  func whatCannotBeIsRefused(words: [String], message: String) throws {
    let run = try run(["quantize", "plain.onnx", "--calib", "images/val"] + words)
    #expect(run.status == 64 && run.errors.contains(message), "\(run.errors)")
  }
}
