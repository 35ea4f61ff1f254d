import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Data sets of other tools, from the command line.
@Suite struct ForeignDataTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
  }

  private func write(_ path: String, _ text: String) throws {
    let url = folder.url.appending(path: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func evaluate(_ data: String, _ more: String...) throws -> Binary.Outcome {
    try Binary.run(
      ["evaluate", "tiny.onnx", "--threads", "1", "--data", data, "--format", "json"] + more,
      in: folder.url)
  }

  private func score(_ run: Binary.Outcome) throws -> Double? {
    (try run.json()["summary"] as? [String: Double])?["AP"]
  }

  @Test func lineEndsDoNotChangeTheScore() throws {
    for end in ["\r\n", "\r"] {
      for name in ["0", "1"] {
        try write("labels/val/\(name).txt", "0 0.5 0.5 0.5 0.5\(end)1 0.1 0.1 0.1 0.1\(end)")
      }
      let run = try evaluate("data.yaml")
      #expect(run.status == 0, "\(run.errors)")
      let objects = (try run.json()["classes"] as? [[String: Any]])?.compactMap {
        $0["objects"] as? Int
      }
      #expect(objects == [3, 2])
    }
  }

  @Test func labelledImagesThatCannotBeReadAreRefusedOrSkippedAndNamed() throws {
    try write("images/val/7.tif", "II*")
    try write("labels/val/7.txt", "0 0.5 0.5 0.5 0.5\n")
    let strict = try evaluate("data.yaml")
    #expect(strict.status == 65)
    for word in ["data.yaml", "1 of 4 images", "7.tif", "--skip-bad"] {
      #expect(strict.errors.contains(word), "\(strict.errors)")
    }
    let lenient = try evaluate("data.yaml", "--skip-bad")
    #expect(
      lenient.status == 0 && lenient.errors.contains("skipped") && lenient.errors.contains("7.tif"))
    let json = try lenient.json()
    #expect(json["images"] as? Int == 3 && (json["skipped"] as? [String])?.count == 1)
    #expect(try score(lenient) == 1)
  }

  @Test func warningsTravelInTheResult() throws {
    try write("labels/val/0.txt", "0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n")
    try write("labels/val/9.txt", "0 0.5 0.5 0.5 0.5\n")
    let run = try evaluate("data.yaml")
    let warnings = try #require(try run.json()["warnings"] as? [String])
    #expect(warnings.count == 2 && warnings[0].contains("twice") && warnings[1].contains("9.txt"))
    #expect(warnings.allSatisfy { run.errors.contains("warning: \($0)") })
    let info = try Binary.run(
      ["dataset", "info", "data.yaml", "--format", "json"], in: folder.url
    ).json()
    #expect(info["warnings"] as? [String] == warnings && info["boxes"] as? Int == 3)
  }

  private static let coco = """
    {"images": [{"id": "x0", "file_name": "0.png"}, {"id": "x1", "file_name": "1.png"}],
     "annotations": [{"image_id": "x0", "category_id": 1, "bbox": [8, 8, 16, 16], "area": null},
                     {"image_id": "x1", "category_id": 1, "bbox": [8, 8, 16, 16], "iscrowd": []}],
     "categories": [{"id": 1, "name": "class0"}, {"id": 2, "name": "class1"}]}
    """

  @Test func theFolderOfImagesIsAnOption() throws {
    try write("labels only/some.json", Self.coco)
    let lost = try evaluate("labels only/some.json")
    #expect(lost.status == 66 && lost.errors.contains("'0.png'"), "\(lost.errors)")
    #expect(lost.errors.contains("looked for") && lost.errors.contains("labels only/images/0.png"))
    let found = try evaluate("labels only/some.json", "--images", "images/val")
    #expect(found.status == 0, "\(found.errors)")
    #expect(try score(found) == 1)
    for (words, message) in [
      (["--images", "nowhere"], "nowhere: there is no such file or folder"),
      (["--images", "5"], "name a folder as ./5"),
    ] {
      let run = try Binary.run(
        ["evaluate", "tiny.onnx", "--data", "labels only/some.json"] + words, in: folder.url)
      #expect(run.status != 0 && run.errors.contains(message), "\(run.errors)")
    }
    // Results are scored without any image.
    try write(
      "found.json",
      #"[{"image_id": "x0", "category_id": 1, "bbox": [8, 8, 16, 16], "score": 0.5}, {"image_id": "x1", "category_id": 1, "bbox": [8, 8, 16, 16], "score": 0.5}]"#
    )
    let scored = try Binary.run(
      [
        "evaluate", "--detections", "found.json", "--data", "labels only/some.json", "--format",
        "json",
      ],
      in: folder.url)
    #expect(scored.status == 0, "\(scored.errors)")
    #expect(try score(scored) == 1)
  }

  @Test(arguments: [
    (["voc", "--split", "none"], 66, "none.txt"), (["voc"], 66, "lost.xml"),
    (["gbk"], 65, "a.xml"), (["nowhere.json"], 66, "nowhere.json"),
    (["list.yaml"], 66, "no-such-list.txt"), (["latin.yaml"], 65, "latin.txt"),
    (["bad.json"], 65, "annotations[0].bbox"),
  ])
  func errorsNameTheFileAndEndWithTheDocumentedStatus(
    _ words: [String], _ status: Int32, _ message: String
  ) throws {
    try write("voc/ImageSets/Main/val.txt", "lost\n")
    try write("voc/Annotations/a.xml", "<annotation/>")
    try write("gbk/Annotations/a.xml", "")
    try Data([0x3c, 0x61, 0x3e, 0xb3, 0xb5, 0x3c, 0x2f, 0x61, 0x3e]).write(
      to: folder.url.appending(path: "gbk/Annotations/a.xml"))
    try write("list.yaml", "val: no-such-list.txt\nnames: [class0, class1]\n")
    try write("latin.yaml", "val: latin.txt\nnames: [class0, class1]\n")
    try Data([0x67, 0x72, 0xf6, 0xdf, 0x65]).write(to: folder.url.appending(path: "latin.txt"))
    try write(
      "bad.json", #"{"images": [{"id": 1, "file_name": "0.png"}], "annotations": [{"bbox": 7}]}"#)
    let run = try Binary.run(
      ["evaluate", "tiny.onnx", "--data"] + words, in: folder.url)
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errors.contains(message), "\(run.errors)")
  }

  @Test func drawnImagesOfNewFormatsAreWrittenAsPNG() throws {
    let bmp = try #require(
      Data(
        base64Encoded:
          "Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAADEDgAAxA4AAAAAAAAAAAAAChQeAA=="))
    try bmp.write(to: folder.url.appending(path: "one.BMP"))
    let run = try Binary.run(
      ["detect", "tiny.onnx", "one.BMP", "--output", "drawn"], in: folder.url)
    #expect(run.status == 0, "\(run.errors)")
    let image = try ImageFile.load(folder.url.appending(path: "drawn/one.png"))
    #expect(image.width == 1 && image.height == 1)
  }
}

/// Images without labels serve every training that reads none.
@Suite struct UnlabelledTrainingTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try TinyDetector.write(to: folder.url)
    try TinyImages.write(to: folder.url)
    let plain = folder.url.appending(path: "plain")
    try FileManager.default.copyItem(at: folder.url.appending(path: "images/val"), to: plain)
  }

  private func run(_ words: [String]) throws -> Binary.Outcome {
    try Binary.run(
      words + ["--data", "data.yaml", "--train-data", "plain", "--batch", "1", "--threads", "1"],
      in: folder.url)
  }

  @Test(arguments: [
    ["prune", "tiny.onnx", "--sparsity", "0.5", "--epochs", "1", "--loss", "match"],
    [
      "prune", "tiny.onnx", "--method", "l1", "--sparsity", "0.2", "--epochs", "1", "--loss",
      "match",
    ],
    ["lowrank", "tiny.onnx", "--rank", "2", "--gain", "macs", "--epochs", "1", "--loss", "match"],
    ["quantize", "tiny.onnx", "--calib", "plain", "--finetune", "1", "--loss", "match"],
    [
      "distill", "--teacher", "tiny.onnx", "--student", "tiny.onnx", "--epochs", "1", "--loss",
      "at", "--layers", "middle.y=middle.y", "--label-weight", "0",
    ],
  ])
  func trainingWithoutLabelsTakesThem(words: [String]) throws {
    let outcome = try run(words)
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  @Test(arguments: [
    ["prune", "tiny.onnx", "--method", "magnitude", "--sparsity", "0.5", "--epochs", "1"],
    ["lowrank", "tiny.onnx", "--rank", "2", "--gain", "macs", "--epochs", "1"],
    ["quantize", "tiny.onnx", "--calib", "plain", "--finetune", "1"],
    ["distill", "--teacher", "tiny.onnx", "--student", "tiny.onnx", "--epochs", "1"],
  ])
  func trainingByLabelsRefusesThem(words: [String]) throws {
    let outcome = try run(words)
    #expect(outcome.status == 66, "\(outcome.errors)")
    #expect(outcome.errors.contains("plain: has images but no labels to learn from"))
  }
}
