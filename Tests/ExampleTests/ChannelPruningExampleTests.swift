import Foundation
import TestSupport
import Testing

@Suite struct ChannelPruningExampleTests {
  private static let script = SharedAssets.package.appending(path: "Examples/channel-pruning/run")

  @Test func theDetectorIsCutRefittedTrainedAndReported() throws {
    let folder = try TemporaryFolder()
    let run = try QuickstartTests.run(
      Self.script.path, [],
      environment: try ExampleScenes.environment(folder, images: 2).merging(
        ["FRACTIONS": "0.25,0.5"]) { $1 })
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("Surgery proved"))
    for name in [
      "pruned.onnx", "sensitivity.json", "sensitivity.svg", "report/report.md",
      "report/channels.csv",
      "report/reconstruction.csv", "report/figures/reconstruction.svg", "report/figures/scales.svg",
      "report/curve.svg",
    ] {
      let file = folder.url.appending(path: name)
      #expect(FileManager.default.fileExists(atPath: file.path), "\(name) is missing")
    }
  }
}
