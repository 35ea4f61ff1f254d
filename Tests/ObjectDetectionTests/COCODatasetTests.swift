import Foundation
import ObjectDetection
import TestSupport
import Testing

/// COCO annotation and result files.
@Suite struct COCODatasetTests {
  private static let plain = """
    {"info": {"year": 2017, "nested": [{"a": [1, 2.5e3, null, true]}]},
     "images": [{"id": 7, "file_name": "b.png", "width": 40, "height": 20, "coco_url": "x"},
                {"id": 2, "file_name": "a.png", "width": 40, "height": 20}],
     "annotations": [
       {"id": 1, "image_id": 7, "category_id": 90, "bbox": [1, 2, 3, 4], "area": 5.5, "iscrowd": 0,
        "segmentation": [[1, 2, 3, 4, 5, 6]]},
       {"id": 2, "image_id": 2, "category_id": 3, "bbox": [-5, -5, 100, 100], "iscrowd": 1,
        "segmentation": {"counts": [3, 4, 5], "size": [20, 40]}},
       {"id": 3, "image_id": 2, "category_id": 3, "bbox": [9, 9, 0, 0],
        "segmentation": {"counts": "abc\\\\d", "size": [20, 40]}}],
     "categories": [{"id": 90, "name": "größe 大", "supercategory": "x"}, {"id": 3, "name": "c"}]}
    """

  @Test func labelsAreReadWithAllTheirOddities() throws {
    let files = try DatasetFiles()
    try files.image("images/a.png")
    let data = try COCOFormat.load(annotations: files.write("annotations.json", Self.plain))
    #expect(data.images.map(\.id) == [2, 7])
    #expect(data.categories.map(\.id) == [3, 90])
    #expect(
      data.labels == [
        "b.png größe 大 1.0 2.0 3.0 4.0", "a.png c -5.0 -5.0 100.0 100.0", "a.png c 9.0 9.0 0.0 0.0",
      ])
    #expect(data.annotations.map(\.isCrowd) == [false, true, false])
    #expect(data.annotations.map(\.area) == [5.5, 10000, 0])
    #expect(data.remarks.isEmpty)
    #expect(data.images[0].file == files.url.appending(path: "images/a.png"))
  }

  @Test(arguments: [
    ("annotations.json", "images/x.png"), ("annotations.json", "x.png"),
    ("annotations/instances_val2017.json", "val2017/x.png"),
    ("annotations/instances_val2017.json", "images/val2017/x.png"),
    ("_annotations.coco.json", "x.png"), ("annotations.json", "val2017/x.png"),
  ])
  func imagesAreFoundInTheUsualPlaces(_ file: String, _ image: String) throws {
    let files = try DatasetFiles()
    let wanted = try files.image(image)
    try files.write(
      file,
      """
      {"images": [{"id": 1, "file_name": "missing.png"}, {"id": 2, "file_name": "x.png"}],
       "annotations": [], "categories": []}
      """)
    let data = try Dataset.load(files.url)
    #expect(data.images[1].file.standardizedFileURL == wanted.standardizedFileURL)
  }

  @Test func absoluteFileNamesStay() throws {
    let files = try DatasetFiles()
    let data = try COCOFormat.load(
      annotations: files.write(
        "a.json", #"{"images": [{"id": 1, "file_name": "/some/where/x.jpg"}]}"#))
    #expect(data.images[0].file.path == "/some/where/x.jpg")
  }

  @Test func whatIsLackingIsRemarkedOrCompleted() throws {
    let files = try DatasetFiles()
    let data = try COCOFormat.load(
      annotations: files.write(
        "a.json",
        """
        \u{feff}{"images": [{"id": 1, "file_name": "x.png"}], "categories": [{"id": 5}],
         "annotations": [{"image_id": 1, "category_id": 5, "bbox": [0, 0, 2, 3]},
           {"id": 4, "image_id": 1, "category_id": 5, "segmentation": []},
           {"id": 4, "image_id": 1, "category_id": 5, "bbox": [1, 1, 2, 3]}]}
        """))
    #expect(data.annotations.count == 2 && data.annotations[0].id == 1)
    #expect(data.categories[0].name == "5")
    #expect(data.remarks.count == 2)
    #expect(data.remarks[0].contains("1 annotations without a bbox"))
    #expect(data.remarks[1].contains("the id 4"))
  }

  @Test(arguments: [
    ("{\"images\": [\n{\"id\": 1, \"file_name\": }]}", ["line 2", "byte"]),
    ("{\"images\": [", ["ends too early"]),
    ("[]", ["'{'"]),
    ("{\"annotations\": []}", ["no list of images"]),
    ("{\"images\": []}", ["names no image"]),
    ("{\"images\": [{\"id\": 1}]}", ["file_name"]),
    ("{\"images\": [{\"file_name\": \"x\"}]}", ["without an id"]),
    (
      "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}, {\"id\": 1, \"file_name\": \"y\"}]}",
      ["two images have the id 1"]
    ),
    (
      "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"categories\": [{\"id\": 2}, {\"id\": 2, \"name\": \"b\"}]}",
      ["two categories have the id 2"]
    ),
    (
      "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"annotations\": [{\"id\": 8, \"category_id\": 1}]}",
      ["(id 8) without an image_id"]
    ),
    (
      "{\"images\": [{\"id\": 1, \"file_name\": \"x\"}], \"annotations\": [{\"bbox\": [1, 2, 3]}]}",
      ["bbox of 3 numbers"]
    ),
    ("{\"images\": [{\"id\": 1.5, \"file_name\": \"x\"}]}", ["1.5", "whole number"]),
    ("{\"images\": [{\"id\": 1, \"file_name\": \"x\"}]} trailing", ["after its end"]),
    (String(repeating: "{\"a\":[", count: 500), ["nested too deeply"]),
  ])
  func brokenFilesAreErrorsThatSayWhatAndWhere(_ text: String, _ words: [String]) throws {
    let files = try DatasetFiles()
    let url = try files.write("bad.json", text)
    #expect {
      try COCOFormat.load(annotations: url)
    } throws: { error in
      let message = "\(error)"
      return error is DatasetError && message.contains("bad.json")
        && words.allSatisfy(message.contains)
    }
  }

  @Test func largeIdsStayApart() throws {
    let files = try DatasetFiles()
    let data = try COCOFormat.load(
      annotations: files.write(
        "a.json",
        """
        {"images": [{"id": 900719925474099301, "file_name": "x"},
                    {"id": 900719925474099302, "file_name": "y"}]}
        """))
    #expect(data.images.map(\.id) == [900_719_925_474_099_301, 900_719_925_474_099_302])
  }

  @Test func resultsGoOutAndComeBack() throws {
    let files = try DatasetFiles()
    let records = [
      DetectionRecord(
        image: 3, category: 90, x: -1.25, y: 0, width: 10.5, height: 7.125, score: 0.123456789),
      DetectionRecord(
        image: 4, category: 1, x: 1e-9, y: 5, width: 1, height: 1, score: 1e-7),
    ]
    let url = try files.write("r.json", COCOFormat.serialize(records))
    let again = try COCOFormat.loadResults(url)
    #expect(again.map(\.score) == records.map(\.score))
    #expect(again[0] == records[0] && again[1].x == 0)
    #expect(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) is [[String: Any]])
    #expect(
      try COCOFormat.loadResults(files.write("e.json", COCOFormat.serialize([]))).isEmpty)
  }

  @Test func severalAnnotationFilesNeedASplit() throws {
    let files = try DatasetFiles()
    let text = #"{"images": [{"id": 1, "file_name": "x.png"}]}"#
    try files.write("annotations/instances_train2017.json", text)
    try files.write("annotations/instances_minitrain.json", text)
    #expect {
      try Dataset.load(files.url)
    } throws: { error in
      "\(error)".contains("several parts") && "\(error)".contains("instances_train2017.json")
    }
    let chosen = try Dataset.load(files.url, split: "train")
    #expect(chosen.source.lastPathComponent == "instances_train2017.json")
  }

  @Test func mutatedFilesEndInADataSetOrInAnError() throws {
    let files = try DatasetFiles()
    var random = SplitMix64(seed: 31)
    for _ in 0..<400 {
      let url = try files.write("m.json", mutated(Data(Self.plain.utf8), &random))
      do {
        let data = try COCOFormat.load(annotations: url)
        #expect(data.annotations.allSatisfy { data.images.indices.contains($0.image) })
      } catch {
        #expect(error is DatasetError && "\(error)".contains("m.json"))
      }
    }
  }
}
