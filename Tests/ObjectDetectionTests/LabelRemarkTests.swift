import Foundation
import ObjectDetection
import TestSupport
import Testing

/// What is odd about labels is said, and taken as the references take it.
@Suite struct LabelRemarkTests {
  private func yolo(_ yaml: String, _ label: String) throws -> Dataset {
    let files = try DatasetFiles()
    try files.image("images/val/a.png")
    try files.write("labels/val/a.txt", label)
    try files.write("data.yaml", "val: images/val\n" + yaml)
    return try Dataset.load(files.url)
  }

  @Test func labelsThatStandTwiceCountOnce() throws {
    let data = try yolo(
      "names: [a, b]",
      "0 0.5 0.5 0.5 0.5\n1 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n0 0.50000000001 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.6\n"
    )
    #expect(
      data.annotations.map(\.category) == [0, 1, 0] && data.annotations.map(\.id) == [1, 2, 3])
    #expect(
      data.remarks.count == 1 && data.remarks[0].contains("2 labels stand in their file twice"))
    #expect(data.remarks[0].contains("a.txt line 3"))
  }

  @Test(arguments: [
    ("names: [a, b]\nnc: 3", "nc: is 3, but there are 2 names"),
    ("names: {0: a, 1: b}\nnc: 1", "nc: is 1, but there are 2 names"),
    ("names: [a]\nkpt_shape: [17]", "kpt_shape: expected [points, 2] or [points, 3]"),
    ("names: [a]\nkpt_shape: [2, 3]", "expected 5 numbers and 6 of key points"),
    ("names: nowhere.names", "names: there is no such file or folder as 'nowhere.names'"),
  ])
  func settingsThatContradictThemselvesAreErrors(_ yaml: String, _ message: String) throws {
    #expect {
      try yolo(yaml, "0 0.5 0.5 0.5 0.5 0.1 0.1 2 0.2\n")
    } throws: { error in
      error is DatasetError && "\(error)".contains(message)
    }
  }

  @Test(arguments: [
    "names: [a, b]\nnc: 2", "names: {0: a, 1: b}\nnc: 2", "nc: 2", "names: {'0': a, '1': b}",
  ])
  func namesAndTheirNumberAgree(yaml: String) throws {
    #expect(try yolo(yaml, "1 0.5 0.5 0.5 0.5\n").categories.count == 2)
  }

  @Test func keyPointsAreNoPolygon() throws {
    // Two numbers a point make as many numbers as a polygon has.
    for (shape, points) in [("[2, 2]", "0.1 0.1 0.9 0.9"), ("[2, 3]", "0.1 0.1 2 0.9 0.9 2")] {
      let data = try yolo("names: [a]\nkpt_shape: \(shape)", "0 0.5 0.5 0.5 0.5 \(points)\n")
      #expect(data.labels == ["a.png a 10.0 5.0 20.0 10.0"])
    }
    let polygon = try yolo("names: [a]", "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75\n")
    #expect(polygon.labels == ["a.png a 10.0 5.0 20.0 10.0"])
  }

  @Test func malformedLabelsAreLeftOutWhenAskedFor() throws {
    let files = try DatasetFiles()
    for name in ["a", "b"] { try files.image("images/val/\(name).png") }
    try files.write("labels/val/a.txt", "0 0.5 0.5 0.5 0.5\n7 0.5 0.5 0.5 0.5\n")
    try files.write("labels/val/b.txt", "0 0.5 0.5 0.5 0.5\n")
    try files.write("data.yaml", "val: images/val\nnames: [a]\n")
    #expect(throws: DatasetError.self) { try Dataset.load(files.url) }
    let data = try Dataset.load(files.url, reading: DatasetReading(skipsBad: true))
      .readable(skippingBad: true)
    #expect(data.labels == ["b.png a 10.0 5.0 20.0 10.0"])
    #expect(data.leftOut.count == 1 && data.leftOut[0].contains("a.txt: line 2"))
  }

  private func voc(_ box: [Int], size: (Int, Int) = (40, 20)) throws -> Dataset {
    let files = try DatasetFiles()
    try files.image("JPEGImages/a.png")
    try files.write(
      "Annotations/a.xml",
      """
      <annotation><size><width>\(size.0)</width><height>\(size.1)</height></size>
      <object><name>cat</name><bndbox><xmin>\(box[0])</xmin><ymin>\(box[1])</ymin>
      <xmax>\(box[2])</xmax><ymax>\(box[3])</ymax></bndbox></object></annotation>
      """)
    return try Dataset.load(files.url)
  }

  @Test(arguments: [
    ([30, 5, 10, 15], "boxes end before they begin"), ([5, 15, 10, 5], "boxes end before"),
    ([-3, 5, 10, 15], "boxes begin at negative pixels"),
    ([5, 5, 45, 15], "boxes reach beyond their image"),
  ])
  func oddBoxesStayAndAreRemarked(_ box: [Int], _ words: String) throws {
    let data = try voc(box)
    #expect(data.annotations.count == 1 && data.annotations[0].x == Double(box[0] - 1))
    #expect(data.annotations[0].width == Double(box[2] - box[0]))
    #expect(data.remarks.count == 1 && data.remarks[0].contains("1 \(words)"))
    #expect(data.remarks[0].contains("a.xml, cat"))
  }

  @Test func sizesUnlikeTheFilesAreRemarked() throws {
    let data = try voc([1, 1, 11, 11], size: (20, 40))
    #expect(data.remarks.count == 1)
    #expect(data.remarks[0].contains("a.png is 40 × 20, labelled 20 × 40"))
    #expect(data.labels == ["a.png cat 0.0 0.0 10.0 10.0"])
    #expect(try voc([1, 1, 11, 11], size: (0, 0)).remarks.isEmpty)
  }
}

/// Readers take as much of the processor as what they read is long.
@Suite struct LinearReaderTests {
  @Test func fourTimesTheObjectsTakeFourTimesAsMuch() throws {
    let files = try DatasetFiles()
    try files.image("images/val/a.png")
    let object =
      "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
    let entry = #"{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 0}"#
    for factor in [1, 4] {
      let count = 1500 * factor
      let many = [String](repeating: object, count: count).joined()
      try files.write("voc\(factor)/Annotations/a.xml", "<annotation>\(many)</annotation>")
      try files.image("voc\(factor)/JPEGImages/a.png")
      let list = [String](repeating: entry, count: count).joined(separator: ",\n")
      try files.write(
        "coco\(factor).json",
        #"{"images": [{"id": 1, "file_name": "images/val/a.png"}], "categories": [{"id": 1, "name": "a"}], "annotations": [\#(list)]}"#
      )
      let lines = (0..<count).map { "0 0.5 0.5 0.5 0.\(1000 + $0)\n" }
      try files.write("yolo\(factor)/labels/a.txt", lines.joined())
      try files.image("yolo\(factor)/images/a.png")
      try files.write("yolo\(factor)/data.yaml", "val: images\nnames: [a]\n")
    }
    // Squared time would make it sixteen.
    for (name, ending) in [("voc", ""), ("yolo", ""), ("coco", ".json")] {
      let ratio = try processorGrowth { factor in
        let data = try Dataset.load(files.url.appending(path: "\(name)\(factor)\(ending)"))
        #expect(data.annotations.count == 1500 * factor)
      }
      #expect(ratio < 9, "\(name)")
    }
  }
}
