import Foundation
import TestSupport
import Testing

@Suite struct DistillExampleTests {
  private static let script = SharedAssets.package.appending(path: "Examples/distill/run")

  @Test func theDetectorIsCutDistilledAndComparedWithAControl() throws {
    let folder = try TemporaryFolder()
    let run = try QuickstartTests.run(
      Self.script.path, [],
      environment: try ExampleScenes.environment(folder))
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("Against the control"))
    for name in [
      "cut.onnx", "distilled.onnx", "distilled-control.onnx", "report/report.md",
      "report/curve.svg",
    ] {
      let file = folder.url.appending(path: name)
      #expect(FileManager.default.fileExists(atPath: file.path), "\(name) is missing")
    }
  }
}
