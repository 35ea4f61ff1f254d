import ArgumentParser
import Evidence
import Formats
import Foundation
import ObjectDetection
import Tensors

/// `compress detect`: the objects a detector finds in images.
struct Detect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Find objects in images and draw them.")

  @Argument(
    help: "The model file. (default: the embedded detector, on a few embedded scenes)",
    completion: .file())
  var model: String?

  @Argument(
    help: ArgumentHelp(
      "\(ImageFile.formats) files, or folders of them.", valueName: "image"),
    completion: .file())
  var images: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Write the images with boxes drawn to this folder.", valueName: "dir"),
    completion: .directory)
  var output: String?

  @Option(
    help: ArgumentHelp("Write what was found as COCO results.", valueName: "file"),
    completion: .file())
  var results: String?

  @Option(
    help: ArgumentHelp(
      "Take image and category ids of the results from a COCO annotation file.", valueName: "file"),
    completion: .file())
  var annotations: String?

  @Flag(help: "Skip images that cannot be decoded, naming each, instead of stopping.")
  var skipBad = false

  @OptionGroup(title: "Detection") var head: DetectionOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    guard model == nil || !images.isEmpty else {
      throw ValidationError("Missing expected argument '<image> ...'")
    }
  }

  /// The images to look at; embedded scenes when nothing is given.
  private func sources() throws -> [ImageSource] {
    guard model == nil else { return try DetectionFiles.collect(images, common).map { .file($0) } }
    return EmbeddedData.validation(pool: ThreadPool(threads: common.threadCount)).images
      .prefix(Self.sceneCount).map(\.source)
  }

  private static let sceneCount = 8

  func run() throws {
    let sources = try sources()
    let loaded = try ModelArtifact(model, inputs: head.inputs.values())
    var files = VerbFiles(
      models: [("the model", model)], others: images + [annotations, head.file])
    files.write("--results", results)
    try files.fill("--output", output)
    try files.check()
    try loaded.naming { try run(loaded, sources) }
  }

  private func run(_ loaded: ModelArtifact, _ sources: [ImageSource]) throws {
    let files = sources.map(\.url)
    let engine = try head.engine(common)
    let detectors = try loaded.detectors(
      images: files.count, settings: try settings(), engine: engine)
    let classes = detectors[0].configuration.classes
    let ids = try DetectionIDs(files, classes: classes, annotations: annotations)
    let targets = try output.map { try DetectionFiles.targets(for: files, in: $0) }
    let overlay = DetectionOverlay(classes: classes)
    let found = try engine.progress.job("detecting", total: files.count, unit: "images") {
      try ImageWorkers(detectors).map(
        sources, skipsBad: skipBad, progress: $0
      ) { index, image, detections in
        if let target = targets?[index] {
          let drawn = overlay.draw(detections, on: image)
          try AtomicFile.write(
            ImageFile.encode(drawn, as: target.lastPathComponent), to: target.path)
        }
        return Found(
          file: files[index].relativePath, output: targets?[index].relativePath,
          imageID: ids.images[index], width: image.width, height: image.height,
          detections: detections)
      }
    }
    let skipped = found.compactMap { if case .failure(let error) = $0 { "\(error)" } else { nil } }
    if let remark = detectors[0].answers.remark { common.logger.warning("\(remark)") }
    for reason in skipped { common.logger.warning("skipped \(reason)") }
    let seen = found.compactMap { try? $0.get() }
    if let results { try write(seen, ids, to: results) }
    try show(seen, skipped, loaded, detectors[0].configuration)
  }

  /// The settings of the options; where they name no thresholds, what is worth showing to people.
  private func settings() throws -> HeadSettings {
    var settings = try head.settings()
    settings.confidence = settings.confidence ?? HeadConfiguration.displayConfidence
    settings.iou = settings.iou ?? HeadConfiguration.displayIoU
    return settings
  }

  private struct Found: Sendable {
    var file: String
    var output: String?
    var imageID: Int
    var width: Int
    var height: Int
    var detections: [Detection]
  }

  private func write(_ found: [Found], _ ids: DetectionIDs, to file: String) throws {
    let records = found.flatMap { image in
      image.detections.compactMap { detection in
        ids.categories[detection.classIndex].map { category in
          DetectionRecord(
            image: image.imageID, category: category, x: detection.box.left,
            y: detection.box.top, width: detection.box.width, height: detection.box.height,
            score: detection.confidence)
        }
      }
    }
    try AtomicFile.write(COCOFormat.serialize(records, for: ids.dataset), to: file)
  }

  private struct Result: Encodable {
    struct Image: Encodable {
      struct Object: Encodable {
        var `class`: String
        var classIndex: Int
        var confidence: Double
        /// Left, top, width, height in pixels.
        var bbox: [Double]
      }

      var file: String
      var output: String?
      var id: Int
      var width: Int
      var height: Int
      var detections: [Object]
    }

    var schemaVersion = 1
    var model: String
    var images: [Image]
    var skipped: [String]
    var settings: HeadConfiguration
  }

  private func show(
    _ found: [Found], _ skipped: [String], _ model: ModelArtifact, _ settings: HeadConfiguration
  ) throws {
    if common.format == .json {
      let images = found.map { image in
        Result.Image(
          file: image.file, output: image.output, id: image.imageID, width: image.width,
          height: image.height,
          detections: image.detections.map {
            Result.Image.Object(
              class: settings.classes[$0.classIndex], classIndex: $0.classIndex,
              confidence: $0.confidence,
              bbox: [$0.box.left, $0.box.top, $0.box.width, $0.box.height])
          })
      }
      return try Console.json(
        Result(model: model.name, images: images, skipped: skipped, settings: settings))
    }
    var table = Table([
      ("image", .left), ("class", .left), ("confidence", .right), ("left", .right),
      ("top", .right), ("width", .right), ("height", .right),
    ])
    for image in found {
      if image.detections.isEmpty { table.append([image.file, "nothing found"]) }
      for detection in image.detections {
        let box = detection.box
        table.append(
          [
            image.file, settings.classes[detection.classIndex],
            String(format: "%.3f", detection.confidence),
          ] + [box.left, box.top, box.width, box.height].map { String(format: "%.1f", $0) })
      }
    }
    Console.result(table.text)
    let boxes = found.reduce(0) { $0 + $1.detections.count }
    let left = skipped.isEmpty ? "" : ", \(skipped.count) skipped"
    let counts = [(found.count, "image"), (boxes, "object")].map {
      "\($0) \($1)\($0 == 1 ? "" : "s")"
    }
    Console.result("\n" + counts.joined(separator: ", ") + left)
  }
}
