import Foundation
import ObjectDetection
import TestSupport
import Testing

/// YOLO `data.yaml` with label files.
@Suite struct YOLODatasetTests {
  private func folder(_ yaml: String) throws -> DatasetFiles {
    let files = try DatasetFiles()
    try files.write("data.yaml", yaml)
    try files.image("images/val/a.png")
    try files.image("images/val/deep/b.jpg")
    try files.image("images/val/background.png")
    try files.image("images/train/c.png")
    try files.write("labels/val/a.txt", "1 0.5 0.5 0.5 0.2\r\n\n0 0.1 0.1 0.2 0.2\n")
    try files.write("labels/val/deep/b.txt", "0 0.25 0.25 0.75 0.25 0.75 0.5")
    try files.write("labels/train/c.txt", "1 0.5 0.5 1 1")
    return files
  }

  private static let expected = [
    "a.png cat 10.0 8.0 20.0 4.0", "a.png dog 0.0 0.0 8.0 4.0", "b.jpg dog 10.0 5.0 20.0 5.0",
  ]

  @Test(arguments: [
    "val: images/val\nnames: [dog, cat]", "path: .\nval: images/val\nnames:\n  0: dog\n  1: cat",
    "val: [images/val/a.png, images/val/deep, images/val/background.png]\nnames: {1: cat, 0: dog}",
    "val: ../images/val\nnames: [dog, cat]\nnc: 2\ndownload: |\n  text",
    "val: list.txt\ntest:\ntrain: images/train\nnames: [dog, cat]",
  ])
  func splitsAreFoldersFilesListsOrTextFiles(_ yaml: String) throws {
    let files = try folder(yaml)
    try files.write(
      "list.txt", "./images/val/a.png\n images/val/deep/b.jpg \n\nimages/val/background.png\n")
    let data = try Dataset.load(files.url)
    #expect(data.format == "YOLO" && data.images.count == 3)
    #expect(data.labels.sorted() == Self.expected)
    #expect(data.categories.map(\.name) == ["dog", "cat"] && data.remarks.isEmpty)
  }

  @Test func theSplitCanBeChosen() throws {
    let files = try folder("val: images/val\ntrain: images/train\nnames: [dog, cat]")
    let train = try YOLOFormat.load(files.url.appending(path: "data.yaml"), split: "train")
    #expect(train.labels == ["c.png cat 0.0 0.0 40.0 20.0"])
    #expect {
      try YOLOFormat.load(files.url.appending(path: "data.yaml"), split: "test")
    } throws: { error in
      "\(error)".contains("no such split; there are val, train")
    }
  }

  @Test(arguments: [
    ("2 0.5 0.5 0.1 0.1", ["line 1", "below 2"]), ("0 0.5 0.5\n", ["line 1"]),
    ("0 0.5 0.5 0.1 0.1\nx 1 2 3 4", ["line 2"]), ("0.5 0.5 0.5 0.1 0.1", ["line 1"]),
    ("0 12 40 100 50", ["line 1", "between 0 and 1"]), ("0 nan 0.5 0.1 0.1", ["line 1"]),
    ("-1 0.5 0.5 0.1 0.1", ["line 1"]), ("0 0.5 0.5 0.1 0.1 0.9", ["line 1"]),
  ])
  func malformedLinesAreErrorsThatNameFileAndLine(_ text: String, _ words: [String]) throws {
    let files = try folder("val: images/val\nnames: [dog, cat]")
    try files.write("labels/val/a.txt", text)
    #expect {
      try Dataset.load(files.url)
    } throws: { error in
      let message = "\(error)"
      return error is DatasetError && message.contains("a.txt")
        && words.allSatisfy(message.contains)
    }
  }

  @Test(arguments: [
    ("val: images/val", ["names", "no class names"]), ("names: [a]", ["train, val, test"]),
    ("val: nowhere\nnames: [a, b]", ["line 1", "nowhere", "no such file"]),
    ("val: {a: 1}\nnames: [a, b]", ["val", "expected a folder"]),
    ("val: images/val\nnames: {0: a, 2: b}", ["line 2", "without gaps"]),
    ("val: images/val\nnames: [a, [b]]", ["names", "no text"]), ("- a", ["no data set"]),
    ("val: [", ["not YAML"]), ("", ["no data set"]), ("val: empty\nnames: [a, b]", ["no image"]),
  ])
  func brokenSettingsAreErrorsThatSayWhatIsWrong(_ yaml: String, _ words: [String]) throws {
    let files = try folder(yaml)
    try FileManager.default.createDirectory(
      at: files.url.appending(path: "empty"), withIntermediateDirectories: true)
    #expect {
      try Dataset.load(files.url)
    } throws: { error in
      let message = "\(error)"
      return error is DatasetError && message.contains("data.yaml")
        && words.allSatisfy(message.contains)
    }
  }

  @Test func imagesWithoutAnyLabelsAreRemarkedAndUnlabelled() throws {
    let files = try DatasetFiles()
    try files.write("data.yaml", "val: pictures\nnames: [a]")
    try files.image("pictures/1.png")
    let data = try Dataset.load(files.url)
    #expect(!data.isLabelled && data.remarks.count == 1)
    #expect(data.remarks[0].contains("1.txt"))
  }

  @Test func damagedImagesAreNotedAndKeptForTheRunToName() throws {
    let files = try folder("val: images/val\nnames: [dog, cat]")
    try files.write("images/val/a.png", "no image")
    let data = try Dataset.load(files.url)
    #expect(data.images.count == 3 && data.labels == ["b.jpg dog 10.0 5.0 20.0 5.0"])
    #expect(data.unreadable.count == 1 && data.unreadable[0]?.reason.contains("a.png") == true)
  }

  @Test func nestedAliasesDoNotFillTheMemory() throws {
    var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      let inner = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      yaml += "a\(level): &a\(level) [\(inner)]\n"
    }
    let files = try folder(yaml + "val: images/val\nnames: [dog, cat]")
    #expect(try Dataset.load(files.url).labels.sorted() == Self.expected)
  }

  /// Keys are compared by all that they stand for.
  @Test func nestedAliasesInKeysAreErrors() throws {
    var yaml = "a0: &a0 [x, x]\n"
    for level in 1...40 { yaml += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    for key in ["? *a40\n: 1\n", "*a40 : 1\n", "b: {[*a40]: 1}\n"] {
      let files = try folder(yaml + key + "val: images/val\nnames: [dog, cat]")
      #expect {
        try Dataset.load(files.url)
      } throws: { error in
        error is DatasetError && "\(error)".contains("aliases beside keys")
      }
    }
  }

  @Test func mutatedFilesEndInADataSetOrInAnError() throws {
    let yaml = "path: .\nval: images/val\ntrain: images/train\nnames:\n  0: dog\n  1: cat\n"
    let files = try folder(yaml)
    let label = Data("1 0.5 0.5 0.5 0.2\n0 0.1 0.1 0.2 0.2\n".utf8)
    var random = SplitMix64(seed: 51)
    for round in 0..<300 {
      if round % 2 == 0 {
        try files.write("data.yaml", mutated(Data(yaml.utf8), &random))
        try files.write("labels/val/a.txt", label)
      } else {
        try files.write("data.yaml", yaml)
        try files.write("labels/val/a.txt", mutated(label, &random))
      }
      do {
        let data = try YOLOFormat.load(files.url.appending(path: "data.yaml"))
        #expect(data.annotations.allSatisfy { data.images.indices.contains($0.image) })
      } catch {
        #expect(error is DatasetError)
      }
    }
  }
}

/// Folders of every kind.
@Suite struct DatasetFolderTests {
  @Test func aFolderOfImagesIsADataSetWithoutLabels() throws {
    let files = try DatasetFiles()
    try files.image("b.png")
    try files.image("a.jpg")
    let data = try Dataset.load(files.url)
    #expect(!data.isLabelled && data.format == "images")
    #expect(data.images.map(\.file.lastPathComponent) == ["a.jpg", "b.png"])
  }

  @Test func foldersWithoutADataSetSayWhatWasLookedFor() throws {
    let files = try DatasetFiles()
    #expect {
      try Dataset.load(files.url)
    } throws: { error in
      let text = "\(error)"
      return ["annotations.json", "data.yaml", "Annotations/", "JPEG, PNG, BMP and WebP"]
        .allSatisfy(
          text.contains)
    }
    #expect(throws: DatasetError.self) { try Dataset.load(files.url.appending(path: "nowhere")) }
    let odd = try files.write("labels.csv", "a,b")
    #expect(throws: DatasetError.unknownFormat(odd.path)) { try Dataset.load(odd) }
  }
}
