import Foundation
import TestSupport
import Testing

/// The program of `Examples/library`, which imports nothing but the library.
@Suite struct LibraryExampleTests {
  private static let source = SharedAssets.package.appending(path: "Examples/library/Slim.swift")

  @Test func aProgramCutsProvesAndSaves() throws {
    let folder = try TemporaryFolder()
    let tool = QuickstartTests.binaries
    let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path
    let images = folder.url.appending(path: "images").path
    let slim = folder.url.appending(path: "slim.onnx").path
    let drawing = try QuickstartTests.run(
      tool.appending(path: "compress").path,
      ["dataset", "synth", "--images", "4", "--output", images], environment: [:])
    #expect(drawing.status == 0, "\(drawing.output)")
    let run = try QuickstartTests.run(
      tool.appending(path: "library-example").path, [model, images, slim], environment: [:])
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("channels go"))
    #expect(run.output.contains(/MACs \d+ → \d+/))
    let size = try FileManager.default.attributesOfItem(atPath: slim)[.size] as? Int
    let before = try FileManager.default.attributesOfItem(atPath: model)[.size] as? Int
    #expect(try #require(size) < (try #require(before)))
  }

  @Test func theProgramIsShort() throws {
    let lines = try String(contentsOf: Self.source, encoding: .utf8).split(
      separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count < 40)
    #expect(lines.filter { $0.contains("import") } == ["import CompressKit"])
  }
}
