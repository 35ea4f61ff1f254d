import Foundation
import TestSupport
import Testing

@Suite struct QuantizeExampleTests {
  private static let script = SharedAssets.package.appending(path: "Examples/quantize/run")

  /// The layers of many weights, whose rounding takes long to learn.
  private static let large = ["*stage3*", "*stage4*", "*sppf*", "neck*", "*head*"]

  @Test func theDetectorIsQuantisedInThreeWays() throws {
    let folder = try TemporaryFolder()
    let run = try QuickstartTests.run(
      Self.script.path, Self.large.flatMap { ["--exclude", $0] },
      environment: try ExampleScenes.environment(folder, images: 4))
    #expect(run.status == 0, "\(run.output)")
    #expect(
      run.output.split(separator: "\n").count { $0.hasPrefix("mAP (AP") } == 3, "\(run.output)")
    for name in ["data-free.onnx", "rounded.onnx", "tuned.onnx", "seen.json", "report/report.md"] {
      let file = folder.url.appending(path: name)
      #expect(FileManager.default.fileExists(atPath: file.path), "\(name) is missing")
    }
  }
}
