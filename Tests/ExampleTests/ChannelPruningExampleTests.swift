import Foundation
import TestSupport
import Testing

@Suite struct ChannelPruningExampleTests {
  private static let script = SharedAssets.package.appending(path: "Examples/channel-pruning/run")

  @Test func theDetectorIsCutRefittedTrainedAndReported() throws {
    let folder = try TemporaryFolder()
    let run = try QuickstartTests.run(
      Self.script.path, [],
      environment: [
        "OUT": folder.url.path, "BIN": QuickstartTests.binaries.path, "EPOCHS": "1", "IMAGES": "2",
      ])
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
