import Foundation
import TestSupport
import Testing

@Suite struct LowRankExampleTests {
  private static let script = SharedAssets.package.appending(path: "Examples/lowrank/run")

  @Test func theDetectorIsFactorisedRefittedTrainedAndReported() throws {
    let folder = try TemporaryFolder()
    let run = try QuickstartTests.run(
      Self.script.path, [],
      environment: try ExampleScenes.environment(folder, images: 1))
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("Surgery proved"))
    for name in [
      "factorised.onnx", "damages.json", "plan.json", "report/report.md", "report/lowrank.csv",
      "report/reconstruction.csv", "report/figures/spectra.svg", "report/figures/lowrank.svg",
      "report/curve.svg",
    ] {
      let file = folder.url.appending(path: name)
      #expect(FileManager.default.fileExists(atPath: file.path), "\(name) is missing")
    }
  }
}
