import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Pascal VOC folders.
@Suite struct VOCDatasetTests {
  private func xml(_ objects: [(name: String, box: [Int], difficult: Int)]) -> String {
    let parts = objects.map { object in
      """
      <object><name>\(object.name)</name><difficult>\(object.difficult)</difficult>
        <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
        <bndbox><xmin>\(object.box[0])</xmin><ymin>\(object.box[1])</ymin>
        <xmax>\(object.box[2])</xmax><ymax>\(object.box[3])</ymax></bndbox></object>
      """
    }
    return """
      <annotation><folder>x</folder><filename>other.jpg</filename>
      <size><width>40</width><height>20</height><depth>3</depth></size>\(parts.joined())</annotation>
      """
  }

  private func folder() throws -> DatasetFiles {
    let files = try DatasetFiles()
    try files.write(
      "Annotations/p1.xml", xml([("größe", [1, 1, 11, 6], 0), ("dog", [3, 4, 3, 9], 1)]))
    try files.write("Annotations/p2.xml", xml([]))
    try files.write("Annotations/p3.xml", xml([("dog", [2, 2, 40, 20], 0)]))
    for name in ["p1", "p2", "p3"] { try files.image("JPEGImages/\(name).png") }
    return files
  }

  @Test func objectsAreReadWithDifficultOnesAndPartsLeftAside() throws {
    let files = try folder()
    let data = try Dataset.load(files.url)
    #expect(data.format == "Pascal VOC" && data.images.count == 3)
    #expect(
      data.labels == [
        "p1.png größe 0.0 0.0 10.0 5.0", "p1.png dog 2.0 3.0 0.0 5.0",
        "p3.png dog 1.0 1.0 38.0 18.0",
      ])
    #expect(data.annotations.map(\.isDifficult) == [false, true, false])
    #expect(data.images.allSatisfy { $0.width == 40 && $0.height == 20 })
    #expect(data.images.allSatisfy { FileManager.default.fileExists(atPath: $0.file.path) })
  }

  @Test(arguments: ["", "images/"])
  func filesBesideTheirImagesAreLabels(place: String) throws {
    let files = try DatasetFiles()
    for name in ["p1", "p2", "p3"] { try files.image("\(place)\(name).png") }
    try files.write("\(place)p1.xml", xml([("dog", [2, 2, 40, 20], 0)]))
    try files.write("\(place)p2.xml", xml([]))
    try files.write("\(place)classes.txt", "dog\n")
    let data = try Dataset.load(files.url)
    #expect(data.format == "Pascal VOC")
    #expect(data.images.map(\.file.lastPathComponent) == ["p1.png", "p2.png"])
    #expect(data.labels == ["p1.png dog 1.0 1.0 38.0 18.0"])
    #expect(data.remarks.contains { $0.contains("no annotation file") && $0.contains("p3.png") })
    #expect(!Dataset.hasSplits(files.url))
  }

  @Test func otherFilesBesideImagesAreNoLabels() throws {
    let files = try DatasetFiles()
    try files.image("p1.png")
    try files.write("p1.xml", "<x:xmpmeta><rdf>1</rdf></x:xmpmeta>")
    #expect(try Dataset.load(files.url).format == "images")
  }

  @Test func splitsChooseImages() throws {
    let files = try folder()
    try files.write("ImageSets/Main/val.txt", "p3\r\np1 1\n\n")
    try files.write("ImageSets/Main/train.txt", "p2\n")
    let byDefault = try VOCFormat.load(files.url)
    #expect(byDefault.images.map(\.file.lastPathComponent) == ["p3.png", "p1.png"])
    #expect(try VOCFormat.load(files.url, split: "train").images.count == 1)
    #expect {
      try VOCFormat.load(files.url, split: "nope")
    } throws: { error in
      "\(error)".contains("nope.txt") && "\(error)".contains("no such split")
    }
  }

  @Test(arguments: [
    ("<annotation><object>", ["p1.xml", "line", "XML"]),
    ("<annotation><object><name>a</name></object></annotation>", ["object 1", "edge"]),
    (
      "<annotation><object><bndbox><xmin>1</xmin><ymin>x</ymin><xmax>2</xmax><ymax>3</ymax></bndbox></object></annotation>",
      ["object 1"]
    ),
    ("", ["p1.xml", "no element"]), ("<a></b>", ["closes <b> inside of <a>"]),
    ("<a/><b/>", ["second root"]), ("text<a/>", ["outside of elements"]),
    ("<a>\n&unknown;</a>", ["line 2", "unknown entity"]), ("<a", ["ends inside of a tag"]),
    ("<a><!-- ", ["-->"]), (String(repeating: "<a>", count: 500), ["nested too deeply"]),
  ])
  func brokenFilesAreErrorsThatNameTheFile(_ text: String, _ words: [String]) throws {
    let files = try folder()
    try files.write("Annotations/p1.xml", text)
    #expect {
      try VOCFormat.load(files.url)
    } throws: { error in
      error is DatasetError && words.allSatisfy("\(error)".contains)
    }
  }

  @Test func commentsEntitiesSectionsAndMarksAreRead() throws {
    let files = try folder()
    try files.write(
      "Annotations/p1.xml",
      """
      \u{feff}<?xml version="1.0" encoding="utf-8"?><!DOCTYPE annotation>
      <!-- <object> --><annotation verified="yes > no"><object><name>a &lt;b&gt; &#228;&#x4e2d;</name>
      <difficult>0</difficult><pose/><bndbox ><xmax>4.5</xmax><xmin> 2 </xmin><ymin>3</ymin>
      <ymax><![CDATA[9]]></ymax></bndbox></object></annotation>
      """)
    let data = try VOCFormat.load(files.url)
    #expect(data.labels[0] == "p1.png a <b> ä中 1.0 2.0 2.5 6.0")
  }

  @Test func missingAnnotationsAndEmptyFoldersAreErrors() throws {
    let files = try folder()
    try files.write("ImageSets/Main/val.txt", "p9\n")
    #expect {
      try VOCFormat.load(files.url)
    } throws: { error in
      "\(error)".contains("p9.xml")
    }
    try files.write("ImageSets/Main/val.txt", "\n")
    #expect(throws: DatasetError.noImages(files.url.path)) { try VOCFormat.load(files.url) }
  }

  @Test func nestedEntitiesDoNotFillTheMemory() throws {
    var text = "<!DOCTYPE annotation [<!ENTITY a0 \"0123456789\">"
    for level in 1...9 {
      let inner = String(repeating: "&a\(level - 1);", count: 10)
      text += "<!ENTITY a\(level) \"\(inner)\">"
    }
    text += "]><annotation><object><name>&a9;</name></object></annotation>"
    let files = try folder()
    try files.write("Annotations/p1.xml", text)
    #expect(throws: DatasetError.self) { try VOCFormat.load(files.url) }
  }

  @Test func mutatedFilesEndInADataSetOrInAnError() throws {
    let files = try folder()
    let original = Data(xml([("a", [1, 1, 11, 6], 0), ("b", [3, 4, 3, 9], 1)]).utf8)
    var random = SplitMix64(seed: 41)
    for _ in 0..<250 {
      try files.write("Annotations/p1.xml", mutated(original, &random))
      do {
        let data = try VOCFormat.load(files.url)
        #expect(data.annotations.allSatisfy { $0.x.isFinite && $0.width.isFinite })
      } catch {
        #expect(error is DatasetError && "\(error)".contains("p1.xml"))
      }
    }
  }
}
