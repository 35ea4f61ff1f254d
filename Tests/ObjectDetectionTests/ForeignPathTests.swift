import Foundation
import ObjectDetection
import TestSupport
import Testing

/// Names of files as other systems and tools write them.
@Suite struct ForeignPathTests {
  private static let label = "0 0.5 0.5 0.5 0.5\r\n1 0.25 0.25 0.5 0.5\r\n"
  private static let expected = [
    "a.jpg cat 10.0 5.0 20.0 10.0", "a.jpg dog 0.0 0.0 20.0 10.0",
    "b.jpg cat 10.0 5.0 20.0 10.0", "b.jpg dog 0.0 0.0 20.0 10.0",
  ]

  /// A set of two images in `folder`, beside their labels, and a list of them.
  private func set(_ list: String, _ lines: String, folder: String = "obj_train_data") throws
    -> DatasetFiles
  {
    let files = try DatasetFiles()
    for name in ["a", "b"] {
      try files.image("\(folder)/\(name).jpg")
      try files.write("\(folder)/\(name).txt", Self.label)
    }
    try files.write(list, lines)
    try files.write("data.yaml", "val: \(list)\nnames: [cat, dog]\n")
    return files
  }

  @Test(arguments: [
    ("train.txt", "obj_train_data/a.jpg\nobj_train_data/b.jpg\n", 0),
    ("train.txt", "data/obj_train_data/a.jpg\r\ndata/obj_train_data/b.jpg\r\n", 1),
    ("lists/train.txt", "obj_train_data/a.jpg\robj_train_data/b.jpg\r", 0),
    ("train.txt", "\u{feff}obj_train_data\\a.jpg\r\n.\\obj_train_data\\b.jpg\r\n", 0),
    ("train.txt", "D:\\work\\obj_train_data\\a.jpg\nD:\\work\\obj_train_data\\b.jpg\n", 1),
    ("train.txt", "/home/me/obj_train_data/a.jpg\n/home/me/obj_train_data/b.jpg\n", 1),
    ("train.txt", "OBJ_train_data/a.JPG\nobj_Train_data/B.jpg\n", 0),
    ("train.txt", "obj_train_data/._a.jpg\nobj_train_data/a.jpg\n  obj_train_data/b.jpg \n", 0),
  ])
  func listsAreReadFromTheKnownRoots(_ list: String, _ lines: String, _ remarks: Int) throws {
    let files = try set(list, lines)
    let data = try Dataset.load(files.url)
    #expect(data.labels == Self.expected)
    #expect(data.remarks.count == remarks, "\(data.remarks)")
    #expect(data.unreadable.isEmpty)
  }

  @Test func listsMayBeSixteenBitsWide() throws {
    let files = try set("train.txt", "")
    let text = "obj_train_data\\a.jpg\r\nobj_train_data\\b.jpg\r\n"
    try files.write(
      "train.txt", Data([0xff, 0xfe]) + #require(text.data(using: .utf16LittleEndian)))
    #expect(try Dataset.load(files.url).labels == Self.expected)
  }

  @Test func missingImagesNameTheLineAndWhatWasTried() throws {
    let files = try set("train.txt", "obj_train_data/a.jpg\nobj_train_data/c.jpg\n")
    let data = try Dataset.load(files.url)
    let missing = try #require(data.unreadable[1])
    #expect(missing.isMissing && missing.reason.contains("train.txt: line 2"))
    #expect(missing.reason.contains("\(files.url.path)/obj_train_data/c.jpg"))
    #expect {
      try data.readable(skippingBad: false)
    } throws: { error in
      "\(error)".contains("1 of 2 images") && "\(error)".contains("c.jpg")
    }
    let rest = try data.readable(skippingBad: true)
    #expect(rest.images.count == 1 && rest.leftOut == [missing.reason] && rest.labels.count == 2)
  }

  @Test func shortenedNamesNeverBecomeOneFile() throws {
    let files = try set("train.txt", "x/a.jpg\ny/a.jpg\n", folder: ".")
    let data = try Dataset.load(files.url)
    #expect(data.unreadable.count == 1 && data.unreadable[1]?.reason.contains("y/a.jpg") == true)
  }

  @Test func endingsAndFoldersMayBeInAnyCase() throws {
    let files = try DatasetFiles()
    try files.image("Images/Val/a.JPG")
    try files.image("Images/Val/b.jpg")
    try files.write("Labels/Val/a.TXT", Self.label)
    try files.write("Labels/Val/b.txt", Self.label)
    for name in ["._a.JPG", ".DS_Store", "Thumbs.db", "__MACOSX/._c.jpg"] {
      try files.write("Images/Val/\(name)", "no image")
    }
    try files.write("data.yaml", "path: .\nval: Images/Val\nnames: [cat, dog]\n")
    let data = try Dataset.load(files.url)
    #expect(data.labels.map { $0.lowercased() } == Self.expected.map { $0.lowercased() })
    #expect(data.remarks.isEmpty && data.unreadable.isEmpty)
  }

  @Test func settingsOfOtherSystemsAreRead() throws {
    let files = try set("train.txt", "obj_train_data/a.jpg\nobj_train_data/b.jpg\n")
    try files.write("obj.names", "\u{feff}cat\r\ndog\r\n")
    try files.write(
      "data.yaml",
      "\u{feff}path: C:\\Users\\me\\data\r\nval: train.txt\r\nnc: 2\r\nnames: obj.names\r\n")
    #expect(try Dataset.load(files.url).labels == Self.expected)
    let text = "val: train.txt\r\nnames: [cat, dog]\r\n"
    try files.write(
      "data.yaml", Data([0xff, 0xfe]) + #require(text.data(using: .utf16LittleEndian)))
    #expect(try Dataset.load(files.url).labels == Self.expected)
  }
}

/// Pascal VOC folders of other tools.
@Suite struct ForeignVOCTests {
  private static let xml = """
    <annotation><filename>C:\\photos\\x.jpg</filename><object><name>cat</name>
    <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>11</xmax><ymax>6</ymax></bndbox></object></annotation>
    """

  private func set(_ list: String, images: String = "JPEGImages") throws -> DatasetFiles {
    let files = try DatasetFiles()
    for name in ["street view (1)", "street view (2)", "a.b 1"] {
      try files.write("Annotations/\(name).xml", Self.xml)
      try files.image("\(images)/\(name).jpg")
    }
    try files.write("ImageSets/Main/val.txt", list)
    return files
  }

  @Test(arguments: [
    "street view (1)\r\na.b 1\r\n", "street view (1) -1\na.b 1  1\n",
    "\u{feff}street view (1)\ra.b 1",
    "street view (1).jpg\na.b 1.JPG\n", "JPEGImages/street view (1).jpg\nJPEGImages\\a.b 1.jpg\n",
    "street view (1).xml\nAnnotations/a.b 1.xml\n",
    "JPEGImages/street view (1).jpg Annotations/street view (1).xml\na.b 1\n",
    "/data/VOC2007/JPEGImages/street view (1).jpg\n/data/VOC2007/JPEGImages/a.b 1.jpg\n",
  ])
  func linesHoldNamesPathsAndFlags(list: String) throws {
    let files = try set(list)
    let data = try Dataset.load(files.url)
    #expect(data.images.map(\.file.lastPathComponent) == ["street view (1).jpg", "a.b 1.jpg"])
    #expect(data.annotations.count == 2 && data.unreadable.isEmpty)
  }

  @Test func listsMayLieElsewhere() throws {
    for place in ["ImageSets/val.txt", "val.txt", "ImageSets/Layout/VAL.txt"] {
      let files = try set("")
      try FileManager.default.removeItem(at: files.url.appending(path: "ImageSets"))
      try files.write(place, "street view (2)\n")
      #expect(try VOCFormat.load(files.url, split: "val").images.count == 1)
    }
  }

  @Test func missingAnnotationsNameTheLineAndWhatWasTried() throws {
    let files = try set("street view (1)\nstreet view (9)\n")
    #expect {
      try Dataset.load(files.url)
    } throws: { error in
      guard case DatasetError.notFound(_, "line 2", let name, let tried) = error else {
        return false
      }
      return name == "street view (9).xml" && tried.contains("Annotations/street view (9).xml")
    }
  }

  @Test func endingsInOtherCaseAndFilesOfFinder() throws {
    let files = try DatasetFiles()
    try files.write("annotations/A.XML", Self.xml)
    try files.write("annotations/._A.XML", "\0\u{5}\u{16}\u{7}")
    try files.write("annotations/.DS_Store", "x")
    try files.image("Images/a.JPEG")
    let data = try Dataset.load(files.url)
    #expect(data.format == "Pascal VOC" && data.labels == ["a.JPEG cat 0.0 0.0 10.0 5.0"])
    #expect(data.unreadable.isEmpty)
  }

  @Test func imagesWithoutAnnotationsAreRemarkedUnlessAListChooses() throws {
    let files = try set("street view (1)\n")
    try FileManager.default.removeItem(
      at: files.url.appending(path: "Annotations/street view (2).xml"))
    #expect(try Dataset.load(files.url).remarks.isEmpty)
    try FileManager.default.removeItem(at: files.url.appending(path: "ImageSets"))
    let data = try Dataset.load(files.url)
    #expect(data.images.count == 2 && data.remarks.count == 1)
    #expect(data.remarks[0].contains("1 images have no annotation file"))
  }

  @Test func imagesThatAreNowhereAreNoted() throws {
    let files = try set("street view (1)\n", images: "elsewhere")
    let data = try Dataset.load(files.url)
    #expect(data.unreadable[0]?.isMissing == true)
    #expect(data.unreadable[0]?.reason.contains("JPEGImages/street view (1).jpg") == true)
    let found = try Dataset.load(
      files.url,
      reading: DatasetReading(imageFolder: files.url.appending(path: "elsewhere")))
    #expect(found.unreadable.isEmpty)
  }
}
