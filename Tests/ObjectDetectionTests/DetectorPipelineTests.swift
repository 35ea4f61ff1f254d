import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// Workers, class mapping and drawing.
@Suite struct DetectorPipelineTests {
  private func workers(_ count: Int) throws -> [Detector] {
    var settings = HeadSettings()
    settings.classes = EncodedHead.classes
    return try (0..<count).map { _ in
      try Detector(
        FixedNetwork(EncodedHead.yolox(decoded: false)), graph: Graph(), settings: settings)
    }
  }

  private func images(_ count: Int, in folder: TemporaryFolder, bad: Set<Int> = []) throws -> [URL]
  {
    try (0..<count).map { index in
      let url = folder.url.appending(path: "\(index).png")
      let image = PixelBuffer(
        width: 20 + index, height: 10, pixels: [UInt8](repeating: 9, count: (20 + index) * 30))
      let data = try ImageFile.encode(image, as: "a.png")
      try (bad.contains(index) ? data.prefix(40) : data).write(to: url)
      return url
    }
  }

  @Test(arguments: [1, 2, 5])
  func resultsStandInTheOrderOfTheFilesForAnyNumberOfWorkers(_ count: Int) throws {
    let folder = try TemporaryFolder()
    let files = try images(17, in: folder)
    var seen: [Int] = []
    let results = try ImageWorkers(workers(count)).map(
      files.map { .file($0) }, progress: { seen.append($0) }
    ) {
      index, image, boxes in
      [index, image.width, boxes.count]
    }
    #expect(try results.map { try $0.get() } == (0..<17).map { [$0, 20 + $0, 3] })
    #expect(seen == Array(1...17))
  }

  @Test(arguments: [1, 4])
  func theFirstBadImageEndsTheJobByName(_ count: Int) throws {
    let folder = try TemporaryFolder()
    let files = try images(12, in: folder, bad: [4, 9])
    #expect {
      try ImageWorkers(workers(count)).map(files.map { .file($0) }) { index, _, _ in index }
    } throws: { error in
      "\(error)".contains("/4.png")
    }
    let kept = try ImageWorkers(workers(count)).map(files.map { .file($0) }, skipsBad: true) {
      index, _, _ in index
    }
    let failed = kept.indices.filter { (try? kept[$0].get()) == nil }
    #expect(failed == [4, 9])
  }

  @Test func noImagesAreNoWork() throws {
    #expect(try ImageWorkers(workers(2)).map([]) { index, _, _ in index }.isEmpty)
  }

  @Test func skippedImagesAreNotScored() throws {
    let folder = try TemporaryFolder()
    let files = try images(3, in: folder, bad: [1])
    func label(_ image: Int) -> [Dataset.Annotation] {
      // What the fixed network finds, in pixels of an image 20 + i wide that fills 320 columns.
      EncodedHead.objects.enumerated().map { index, object in
        let scale = Double(20 + image) / 320
        return Dataset.Annotation(
          id: image * 10 + index + 1, image: image, category: object.classIndex,
          x: object.box.left * scale, y: object.box.top * scale, width: object.box.width * scale,
          height: object.box.height * scale)
      }
    }
    let dataset = Dataset(
      format: "test", source: folder.url,
      categories: EncodedHead.classes.enumerated().map { Dataset.Category(id: $0, name: $1) },
      images: files.enumerated().map { Dataset.Image(id: $0 + 1, file: $1) },
      annotations: (0..<3).flatMap(label))
    let score = try DetectorEvaluation(
      workers(2), on: dataset, skipsBad: true, pool: ThreadPool(threads: 2))
    #expect(abs(score.summary.ap - 1) < Tolerance.metric.bound)
    #expect(score.skipped.count == 1 && score.skipped[0].contains("/1.png"))
    #expect(score.records.count == 6)
    #expect(throws: ImageError.self) {
      try DetectorEvaluation(workers(2), on: dataset, pool: ThreadPool(threads: 2))
    }
  }

  private func categories(_ names: [String]) -> [Dataset.Category] {
    names.enumerated().map { Dataset.Category(id: 10 * $0 + 1, name: $1) }
  }

  @Test func classesAreMatchedByNameWhateverTheirOrder() throws {
    let mapping = try ClassMapping(["Cat", "dog"], to: categories(["dog", "cat"]))
    #expect(mapping.categories == [11, 1] && mapping.remarks.isEmpty)
  }

  @Test func classesTheDataSetLacksArePassedOverWithARemark() throws {
    let mapping = try ClassMapping(["cat", "dog", "bird"], to: categories(["dog"]))
    #expect(mapping.categories == [nil, 1, nil])
    #expect(mapping.remarks.count == 1 && mapping.remarks[0].contains("cat, bird"))
    let box = Box(x: 0, y: 0, width: 1, height: 1)
    let found = (0..<3).map { Detection(box: box, classIndex: $0, confidence: 0.5) }
    #expect(mapping.records(found, image: 4).map(\.category) == [1])
  }

  @Test func equallyManyUnknownNamesAreMatchedByPositionWithARemark() throws {
    let mapping = try ClassMapping(["class0", "class1"], to: categories(["dog", "cat"]))
    #expect(mapping.categories == [1, 11] && mapping.remarks.count == 1)
  }

  @Test func aClassCountThatDoesNotFitIsAnErrorThatNamesBoth() {
    #expect {
      try ClassMapping(["face"], to: categories(COCOClasses.names))
    } throws: { error in
      let text = "\(error)"
      return text.contains("1 class (face)")
        && text.contains("80 classes (person, bicycle, car, …)")
        && text.contains("do not match")
    }
  }

  @Test func theIdsOfCOCOsClassesAreThoseOfTheBenchmark() {
    #expect(COCOClasses.ids.count == 80 && COCOClasses.names.count == 80)
    let byName = Dictionary(
      zip(COCOClasses.names, COCOClasses.ids), uniquingKeysWith: { a, _ in a })
    for (name, id) in [
      ("person", 1), ("stop sign", 13), ("backpack", 27), ("dining table", 67),
      ("toilet", 70), ("tv", 72), ("book", 84), ("toothbrush", 90),
    ] {
      #expect(byName[name] == id)
    }
  }

  // MARK: Drawing

  @Test(arguments: [(1, 1), (8, 8), (3000, 3), (3, 3000), (640, 480)])
  func anyImageCanBeDrawnOn(_ width: Int, _ height: Int) {
    let image = PixelBuffer(
      width: width, height: height, pixels: [UInt8](repeating: 128, count: width * height * 3))
    let boxes = [
      Box(left: -50, top: -50, right: 1e9, bottom: 1e9), Box(left: 2, top: 2, right: 2, bottom: 2),
      Box(left: -9, top: -9, right: -3, bottom: -3),
      Box(left: 5000, top: 1, right: 6000, bottom: 2),
      Box(left: 10, top: 20, right: 200, bottom: 100),
    ]
    let found = boxes.enumerated().map {
      Detection(box: $1, classIndex: $0 * 40, confidence: 0.5)
    }
    let drawn = DetectionOverlay(classes: ["höhle", "日本"]).draw(found, on: image)
    #expect(drawn.width == width && drawn.height == height)
    #expect(drawn != image)
  }

  @Test func theOutlineIsInTheColourOfTheClassAndTheInsideUntouched() {
    let image = PixelBuffer(
      width: 200, height: 200, pixels: [UInt8](repeating: 128, count: 200 * 200 * 3))
    let object = Detection(
      box: Box(left: 40, top: 60, right: 160, bottom: 180), classIndex: 1, confidence: 0.5)
    let drawn = DetectionOverlay(classes: ["a", "b"]).draw([object], on: image)
    func pixel(_ x: Int, _ y: Int) -> [UInt8] {
      Array(drawn.pixels[(y * 200 + x) * 3..<(y * 200 + x) * 3 + 3])
    }
    let colour = DetectionOverlay.colour(1)
    for (x, y) in [(40, 60), (159, 60), (40, 179), (159, 179), (100, 60), (159, 100)] {
      #expect(pixel(x, y) == [colour.red, colour.green, colour.blue])
    }
    for (x, y) in [(100, 100), (39, 120), (160, 120), (100, 180)] {
      #expect(pixel(x, y) == [128, 128, 128])
    }
  }

  @Test func neighbouringClassesHaveDifferentColours() {
    let colours = (0..<80).map(DetectionOverlay.colour)
    #expect(Set(colours).count > 70)
    for (a, b) in zip(colours, colours.dropFirst()) {
      let steps = [(a.red, b.red), (a.green, b.green), (a.blue, b.blue)].map {
        abs(Int($0) - Int($1))
      }
      #expect(steps.reduce(0, +) > 100)
    }
  }
}
