import Foundation
import TestSupport
import Testing

/// `compress detect` as a user runs it, on a real detector.
@Suite(.enabled(if: SharedAssets.isPresent, "../shared is absent"))
struct DetectCommandTests {
  private let folder: TemporaryFolder
  private let model = SharedAssets.model("yolo_fastest_1.1_bn.onnx").path
  private let photo = SharedAssets.root.appending(
    path: "datasets/coco_val_128/images/000000000785.jpg")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.url.appending(path: name).path }

  private func detect(_ arguments: [String]) throws -> (
    status: Int32, output: String, errors: String
  ) {
    let process = Process()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: "compress")
    process.arguments = ["detect", model] + arguments
    let (output, errors) = (path("stdout"), path("stderr"))
    for file in [output, errors] { try Data().write(to: URL(filePath: file)) }
    process.standardOutput = try FileHandle(forWritingTo: URL(filePath: output))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: errors))
    try process.run()
    process.waitUntilExit()
    return (
      process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8),
      try String(contentsOfFile: errors, encoding: .utf8)
    )
  }

  private func copy(_ names: String...) throws {
    for name in names {
      let target = folder.url.appending(path: name)
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: photo, to: target)
    }
  }

  @Test func equalNamesGetFilesOfTheirOwnAndInputsStay() throws {
    try copy("a/x.jpg", "b/x.jpg")
    let run = try detect(
      [path("a"), path("b"), path("a/x.jpg"), "--output", path("a"), "--format", "json"])
    #expect(run.status == 0, "\(run.errors)")
    let names = try FileManager.default.contentsOfDirectory(atPath: path("a")).sorted()
    #expect(names == ["x-2.jpg", "x-3.jpg", "x.jpg"])
    #expect(
      try Data(contentsOf: photo) == Data(contentsOf: folder.url.appending(path: "a/x.jpg")))
    let json = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
    #expect(json?["schemaVersion"] as? Int == 1)
    #expect((json?["images"] as? [Any])?.count == 2)
  }

  @Test func resultsHaveTheIdsOfTheBenchmark() throws {
    let results = path("results.json")
    let run = try detect([photo.path, "--results", results])
    #expect(run.status == 0 && run.output.contains("person"), "\(run.errors)")
    let list =
      try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: results)))
      as? [[String: Any]] ?? []
    // A person (1) on skis (35).
    #expect(Set(list.compactMap { $0["category_id"] as? Int }).isSuperset(of: [1, 35]))
    #expect(list.allSatisfy { $0["image_id"] as? Int == 785 })
    #expect(list.allSatisfy { ($0["score"] as? Double ?? 0) > 0.25 })
  }

  @Test func badImagesEndTheRunOrAreSkippedByName() throws {
    try copy("photos/good.jpg")
    try Data(contentsOf: photo).prefix(9000).write(
      to: folder.url.appending(path: "photos/cut.jpg"))
    let strict = try detect([path("photos")])
    #expect(strict.status == 65 && strict.errors.contains("cut.jpg"))
    let lenient = try detect([path("photos"), "--skip-bad"])
    #expect(lenient.status == 0 && lenient.output.contains("good.jpg"))
    #expect(lenient.errors.contains("skipped") && lenient.errors.contains("cut.jpg"))
  }

  @Test func missingImagesAndEmptyFoldersAreNoInput() throws {
    #expect(try detect([path("nowhere.jpg")]).status == 66)
    try FileManager.default.createDirectory(
      atPath: path("empty"), withIntermediateDirectories: true)
    let run = try detect([path("empty")])
    #expect(run.status == 66 && run.errors.contains("has no images in it"))
  }

  @Test func theHeadIsExplainedAndMisspeltSettingsAreNamed() throws {
    let run = try detect([photo.path, "--verbose"])
    #expect(run.errors.contains("head yolov5") && run.errors.contains("because"))
    let settings = path("head.yaml")
    try "confidence: 0.5\nclases: [a]\n".write(
      toFile: settings, atomically: true, encoding: .utf8)
    let wrong = try detect([photo.path, "--head", settings])
    #expect(wrong.status == 65 && wrong.errors.contains("head.yaml: line 2: unknown key 'clases'"))
  }
}
