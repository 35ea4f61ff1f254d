import Foundation
import TestSupport
import Testing

@Suite struct AccuracyTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
  }

  func prune(_ arguments: String...) throws -> Binary.Outcome {
    try Binary.run(
      [
        "prune", "tiny.onnx", "--method", "magnitude", "--threads", "1", "--data", "data.yaml",
        "--format", "json",
      ]
        + arguments, in: folder.url)
  }

  func accuracy(_ json: [String: Any], _ key: String) -> Double? {
    ((json[key] as? [String: Any])?["accuracy"] as? [String: Double])?["AP"]
  }

  @Test func theWrittenFileIsScored() throws {
    let run = try prune("--sparsity", "0.5")
    #expect(run.status == 0, "\(run.errors)")
    let json = try run.json()
    #expect(accuracy(json, "before") == 1)
    let after = try #require(accuracy(json, "after"))
    let evaluated = try Binary.run(
      ["evaluate", "tiny-pruned.onnx", "--data", "data.yaml", "--format", "json"],
      in: folder.url
    ).json()
    #expect((evaluated["summary"] as? [String: Double])?["AP"] == after)
  }

  @Test func aMissedFloorEndsWithThreeAndTheFileIsThere() throws {
    let blind = ["--include-ends", "--layer-sparsity", "score*=0.999", "--sparsity", "0"]
    for floor in [["--max-drop", "0.1"], ["--min-map", "0.5"]] {
      let run = try Binary.run(
        [
          "prune", "tiny.onnx", "--method", "magnitude", "--data", "data.yaml", "--output",
          "blind.onnx",
        ] + blind + floor,
        in: folder.url)
      #expect(run.status == 3)
      #expect(run.errors.contains(floor[0]))
      let file = folder.url.appending(path: "blind.onnx")
      #expect(FileManager.default.fileExists(atPath: file.path))
      try FileManager.default.removeItem(at: file)
    }
    #expect(try prune("--sparsity", "0.5", "--max-drop", "0.1", "--min-map", "0.5").status == 0)
  }

  @Test func jsonHasTheKeysScriptsReadBy() throws {
    let json = try prune("--sparsity", "0.5").json()
    #expect(
      Set(json.keys)
        == [
          "schemaVersion", "input", "output", "sparsity", "prunable", "zeros", "plan", "before",
          "after", "floorMisses", "damage", "verification", "distance", "storage",
        ])
    let after = try #require(json["after"] as? [String: Any])
    #expect(
      Set(after.keys)
        == [
          "name", "sha256", "fileBytes", "gzipBytes", "parameters", "nonzeros", "macs", "flops",
          "sparsity", "accuracy", "classes", "layers", "settings", "energy", "history",
          "peakActivationBytes", "precisionAt50", "storedWeightBits",
        ])
    #expect(
      Set((after["accuracy"] as? [String: Double] ?? [:]).keys)
        == [
          "AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR_1", "AR_10", "AR_100", "AR_S", "AR_M",
          "AR_L",
        ])
  }
}
