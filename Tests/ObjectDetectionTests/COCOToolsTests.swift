import Foundation
import ObjectDetection
import TestSupport
import Testing

/// COCO files as other tools write them.
@Suite struct COCOToolsTests {
  private func load(_ text: String, _ reading: DatasetReading = DatasetReading()) throws -> Dataset
  {
    let files = try DatasetFiles()
    try files.image("images/a.png")
    try files.image("images/b.png")
    return try COCOFormat.load(annotations: files.write("a.json", text), reading: reading)
  }

  private func json(
    images: String =
      #"{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "b.png"}"#,
    annotations: String, categories: String = #"{"id": 5, "name": "cat"}"#
  ) -> String {
    #"{"images": [\#(images)], "annotations": [\#(annotations)], "categories": [\#(categories)]}"#
  }

  private static let whole =
    #"{"id": 3, "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4], "area": 9, "iscrowd": 1}"#

  @Test(arguments: ["null", "[]", #""""#])
  func whatMayBeAbsentMayBeNothing(nothing: String) throws {
    let data = try load(
      json(
        images:
          #"{"id": 1, "file_name": "a.png", "width": \#(nothing), "height": \#(nothing), "license": \#(nothing)}"#,
        annotations: """
          {"id": \(nothing), "image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4],
           "area": \(nothing), "iscrowd": \(nothing), "segmentation": \(nothing)},
          {"id": 9, "image_id": 1, "category_id": 5, "bbox": \(nothing), "area": 7, "iscrowd": 0}
          """, categories: #"{"id": 5, "name": \#(nothing)}"#))
    #expect(data.labels == ["a.png 5 1.0 2.0 3.0 4.0"])
    #expect(data.annotations[0].area == 12 && !data.annotations[0].isCrowd)
    #expect(data.images[0].width == nil && data.images[0].height == nil)
    #expect(data.remarks.count == 1 && data.remarks[0].contains("1 annotations without a bbox"))
    #expect(data.remarks[0].contains("annotations[1]"))
    let empty = try load(
      #"{"images": [{"id": 1, "file_name": "a.png"}], "annotations": \#(nothing)}"#)
    #expect(empty.annotations.isEmpty)
  }

  @Test func whatIsNotListedIsPassedOverAndCounted() throws {
    let data = try load(
      json(
        annotations: """
          \(Self.whole), {"id": 4, "image_id": 8, "category_id": 5, "bbox": [1, 2, 3, 4]},
          {"id": 5, "image_id": 9, "category_id": 5, "bbox": [1, 2, 3, 4]},
          {"id": 6, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}
          """))
    #expect(data.labels == ["a.png cat 1.0 2.0 3.0 4.0"])
    #expect(data.remarks.count == 2)
    #expect(data.remarks[0].contains("2 annotations of images that are not listed"))
    #expect(data.remarks[0].contains("annotations[1] of image 8"))
    #expect(data.remarks[1].contains("1 annotations of categories that are not listed"))
  }

  @Test func idsMayBeTextsOrWholeReals() throws {
    let data = try load(
      json(
        images: #"{"id": "000012", "file_name": "a.png"}, {"id": 2.0, "file_name": "b.png"}"#,
        annotations: """
          {"id": "x", "image_id": "000012", "category_id": "5", "bbox": [1, 2, 3, 4]},
          {"id": "7", "image_id": 2, "category_id": 5.0, "bbox": [1, 2, 3, 4]}
          """, categories: #"{"id": "5", "name": "cat"}"#))
    #expect(data.images.map(\.id) == [2, 12] && data.categories.map(\.id) == [5])
    #expect(data.annotations.map(\.id) == [1, 7])
    let found = DetectionRecord(
      image: 12, category: 5, x: 1, y: 2, width: 3, height: 4, score: 0.5)
    let text = String(decoding: COCOFormat.serialize([found], for: data), as: UTF8.self)
    #expect(text.contains(#""image_id": "000012", "category_id": "5", "bbox""#), "\(text)")
  }

  @Test func idsThatAreNoNumbersAreNumberedAfterTheOthers() throws {
    let text = json(
      images: #"{"id": "left", "file_name": "a.png"}, {"id": 41, "file_name": "b.png"}"#,
      annotations: #"{"id": 1, "image_id": "left", "category_id": "c", "bbox": [1, 2, 3, 4]}"#,
      categories: #"{"id": "c", "name": "cat"}"#)
    let data = try load(text)
    #expect(data.imageIDs == ["left": 42] && data.categoryIDs == ["c": 1])
    #expect(data.labels == ["a.png cat 1.0 2.0 3.0 4.0"])
    let files = try DatasetFiles()
    let results = try files.write(
      "r.json", #"[{"image_id": "left", "category_id": "c", "bbox": [0, 0, 1, 1], "score": 1}]"#)
    #expect(try COCOFormat.loadResults(results, for: data).map(\.image) == [42])
    #expect {
      try COCOFormat.loadResults(results)
    } throws: { error in
      "\(error)".contains("[0].image_id (line 1): there is no 'left'")
    }
  }

  @Test func entriesThatStandTwiceCountOnce() throws {
    let data = try load(
      json(
        images: #"{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "a.png"}"#,
        annotations: Self.whole,
        categories: #"{"id": 5, "name": "cat"}, {"id": 5, "name": "cat"}"#))
    #expect(data.images.count == 1 && data.categories.count == 1 && data.annotations.count == 1)
    #expect(data.remarks.count == 2)
  }

  @Test(arguments: [
    (#""bbox": [1, 2, "x", 4]"#, "annotations[1].bbox[2] (line 1): expected number, found a text"),
    (#""bbox": [1, null, 3, 4]"#, "annotations[1].bbox[1] (line 1): expected number, found null"),
    (#""bbox": {"x": 1}"#, "annotations[1].bbox (line 1): expected list '[', found an object"),
    (#""bbox": [1, 2, 3]"#, "annotations[1].bbox (line 1): is a bbox of 3 numbers"),
    (#""area": NaN"#, "annotations[1].area (line 1): expected number, found a number that is not"),
    (#""area": "large""#, "annotations[1].area (line 1): expected number, found a text"),
    (#""iscrowd": 0.5"#, "annotations[1].iscrowd (line 1): expected a whole number, found 0.5"),
    (
      #""image_id": {"a": 1}"#, "annotations[1].image_id (line 1): expected number, found an object"
    ),
  ])
  func valuesOfOtherTypesAreNamedByKeyAndEntry(_ pair: String, _ message: String) throws {
    let entry = #"{"image_id": 1, "category_id": 5, \#(pair)}"#
    #expect {
      try load(json(annotations: Self.whole + ", " + entry))
    } throws: { error in
      error is DatasetError && "\(error)".contains(message)
    }
  }

  @Test func textsThatAreNotUTF8AreErrors() throws {
    let files = try DatasetFiles()
    let text = json(annotations: Self.whole, categories: #"{"id": 5, "name": "#)
    let data = Data(text.utf8.dropLast(2)) + Data([0x22, 0xb3, 0xb5, 0x22, 0x7d, 0x5d, 0x7d])
    #expect {
      try COCOFormat.load(annotations: files.write("a.json", data))
    } throws: { error in
      "\(error)".contains("categories[0].name (line 1): is not UTF-8")
    }
    let wide = try #require(json(annotations: Self.whole).data(using: .utf16LittleEndian))
    let read = try COCOFormat.load(
      annotations: files.write("b.json", Data([0xff, 0xfe]) + wide))
    #expect(read.annotations.count == 1)
    #expect(try COCOFormat.load(annotations: files.write("c.json", wide)).annotations.count == 1)
  }

  @Test(arguments: [
    ("labels.json", "data/a.png", "a.png", true), ("labels.json", "data/a.png", "data/a.png", true),
    ("annotations.json", "images/a.png", "images/a.png", true),
    ("annotations/instances_val.json", "images/a.png", "images/a.png", true),
    ("annotations/instances_val.json", "data/a.png", "a.png", true),
    ("annotations/val.json", "images/val/a.png", "a.png", true),
    ("valid/_annotations.coco.json", "valid/a.png", "a.png", true),
    ("annotations.json", "images/a.png", "C:\\data\\images\\a.png", false),
    ("annotations.json", "images/a.png", "/home/me/images/a.png", false),
    ("annotations.json", "images/A.PNG", "a.png", true),
  ])
  func imagesAreFoundWhereToolsPutThem(
    _ file: String, _ image: String, _ name: String, _ isSilent: Bool
  ) throws {
    let files = try DatasetFiles()
    try files.image(image)
    let quoted = name.replacing("\\", with: "\\\\")
    try files.write(
      file,
      json(images: #"{"id": 1, "file_name": "\#(quoted)"}"#, annotations: Self.whole))
    let data = try Dataset.load(files.url)
    #expect(data.unreadable.isEmpty && data.annotations.count == 1)
    #expect(data.remarks.isEmpty == isSilent, "\(data.remarks)")
  }

  @Test func theFolderOfImagesMayBeGiven() throws {
    let files = try DatasetFiles()
    try files.image("far/away/a.png")
    try files.image("images/a.png", width: 8, height: 8)
    let url = try files.write(
      "annotations.json",
      json(
        images: #"{"id": 1, "file_name": "a.png", "width": 40, "height": 20}"#,
        annotations: Self.whole))
    let reading = DatasetReading(imageFolder: files.url.appending(path: "far/away"))
    let data = try Dataset.load(url, reading: reading)
    #expect(data.images[0].file.path.hasSuffix("far/away/a.png") && data.remarks.isEmpty)
    #expect(throws: DatasetError.missing(files.url.appending(path: "no").path)) {
      try Dataset.load(
        url, reading: DatasetReading(imageFolder: files.url.appending(path: "no")))
    }
  }

  @Test func partsLieInFoldersOfTheirOwn() throws {
    let files = try DatasetFiles()
    for (part, count) in [("train", 2), ("valid", 1)] {
      let images = (1...count).map { #"{"id": \#($0), "file_name": "\#($0).png"}"# }
      for index in 1...count { try files.image("\(part)/\(index).png") }
      try files.write(
        "\(part)/_annotations.coco.json",
        json(images: images.joined(separator: ","), annotations: Self.whole))
    }
    #expect(Dataset.hasSplits(files.url))
    #expect(try Dataset.load(files.url).images.count == 1)
    #expect(try Dataset.load(files.url, split: "val").images.count == 1)
    #expect(try Dataset.load(files.url, split: "train").images.count == 2)
  }
}
