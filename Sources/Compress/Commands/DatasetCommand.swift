import ArgumentParser
import Evidence
import Formats
import Foundation
import ObjectDetection
import Tensors

/// `compress dataset`: makes, packs and describes labelled images.
struct DatasetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dataset",
    abstract: "Make, pack or describe labelled images.",
    subcommands: [Synth.self, Pack.self, Info.self])

  /// `compress dataset synth`: writes the synthetic scenes as a COCO folder.
  struct Synth: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write synthetic scenes as a COCO folder.")

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to fill.", valueName: "folder"))
    var output: String

    @Option(help: ArgumentHelp("How many scenes.", valueName: "count"))
    var images = EmbeddedData.validationCount

    @Option(help: "The seed of the set.")
    var seed = EmbeddedData.seed

    @Option(help: ArgumentHelp("The number of the first scene.", valueName: "number"))
    var first = EmbeddedData.validationStart

    @Option(help: ArgumentHelp("Rows and columns.", valueName: "pixels"))
    var imgsz = EmbeddedData.size

    @OptionGroup(title: "Common") var common: CommonOptions

    func validate() throws {
      try NumberRange.scenes.check(("--images", images))
      try NumberRange.sceneNumbers.check(("--first", first))
      try NumberRange.sides.check(("--imgsz", imgsz))
    }

    /// Refuses to write over labels of images that are no scenes.
    private func checkFolder() throws {
      let labels = URL(filePath: output).appending(path: "annotations.json")
      var files = VerbFiles(models: [], others: [])
      try files.fill("--output", output, files: [labels.lastPathComponent])
      try files.check()
      guard try InputFile.kind(of: labels) != nil else { return }
      let known = try COCOFormat.load(
        annotations: labels, reading: DatasetReading(looksAtImages: false))
      InputFile.release(labels)
      guard known.images.allSatisfy({ $0.file.lastPathComponent.hasPrefix("scene-") }) else {
        throw CommandError(
          .usage, "\(output): holds a data set of other images; give another --output")
      }
    }

    func run() throws {
      try checkFolder()
      try Dataset.requireMemory(scenes: images)
      let pool = ThreadPool(threads: common.threadCount)
      let dataset = Dataset.synthetic(
        count: images, seed: seed, first: first, size: imgsz, pool: pool)
      let bar = ProgressBar(
        "writing", total: images, unit: "images", isShown: common.showsProgress)
      try COCOFormat.save(dataset, to: URL(filePath: output), progress: bar.update)
      bar.finish()
      try DatasetSummary(dataset, path: output).show(common)
    }
  }

  /// `compress dataset pack`: stores a set in one file.
  struct Pack: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Store a data set in one HDF5 file.")

    @Argument(
      help: "The set: a COCO folder or JSON file, a Pascal VOC folder or a YOLO data.yaml.")
    var data: String

    @Option(
      help: "Which split of a VOC, YOLO or parted COCO set. (default: the validation split)")
    var split: String?

    @Option(
      help: ArgumentHelp(
        "The folder that the images lie in, where that is not beside the labels.",
        valueName: "dir"), completion: .directory)
    var images: String?

    @Flag(help: "Leave out images that cannot be read, naming each, instead of stopping.")
    var skipBad = false

    @Option(
      name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file.h5"),
      completion: .file())
    var output: String

    @OptionGroup(title: "Common") var common: CommonOptions

    func validate() throws {
      guard ModelFormat.hdf5.hasEnding(of: URL(filePath: output)) else {
        throw ValidationError("--output must end in .h5 or .hdf5, found '\(output)'.")
      }
    }

    func run() throws {
      var files = VerbFiles(models: [], others: [data])
      files.write("--output", output)
      try files.check()
      let dataset = try DataSource(
        path: data, split: split, images: images, skipsBad: skipBad
      ).load(common)
      guard !dataset.images.isEmpty else { throw DatasetError.noImages(data) }
      let bar = ProgressBar(
        "packing", total: dataset.images.count, unit: "images", isShown: common.showsProgress)
      try PackFormat.save(dataset, to: URL(filePath: output), progress: bar.update)
      bar.finish()
      try DatasetSummary(try PackFormat.load(URL(filePath: output)), path: output).show(common)
    }
  }

  /// `compress dataset info`: counts what a set holds.
  struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Count images, classes and box sizes of a data set.")

    @Argument(help: "The set, in any form that --data takes.")
    var data: String

    @Option(
      help: "Which split of a VOC, YOLO or parted COCO set. (default: the validation split)")
    var split: String?

    @Option(
      help: ArgumentHelp(
        "The folder that the images lie in, where that is not beside the labels.",
        valueName: "dir"), completion: .directory)
    var images: String?

    @OptionGroup(title: "Common") var common: CommonOptions

    func run() throws {
      let dataset = try DataSource(path: data, split: split, images: images, skipsBad: true)
        .load(common)
      try DatasetSummary(dataset, path: data).show(common)
    }
  }
}

/// What a data set holds, in numbers.
struct DatasetSummary: Encodable {
  struct Category: Encodable {
    var name: String
    var boxes: Int
    var images: Int
  }

  var schemaVersion = 1
  var path: String
  var format: String
  var images: Int
  var boxes: Int
  var crowds: Int
  var emptyImages: Int
  /// Boxes below 32², up to 96² and above, in square pixels.
  var small: Int
  var medium: Int
  var large: Int
  /// Images that cannot be read and are not counted, with the reason.
  var skipped: [String]
  var warnings: [String]
  var categories: [Category]

  init(_ dataset: Dataset, path: String) {
    self.path = path
    format = dataset.format
    images = dataset.images.count
    let labels = dataset.annotations
    boxes = labels.count
    crowds = labels.count { $0.isCrowd }
    emptyImages = images - Set(labels.map(\.image)).count
    small = labels.count { $0.area < 32 * 32 }
    medium = labels.count { $0.area >= 32 * 32 && $0.area <= 96 * 96 }
    large = boxes - small - medium
    (skipped, warnings) = (dataset.leftOut, dataset.remarks)
    let own = Dictionary(grouping: labels, by: \.category)
    categories = dataset.categories.map { category in
      let own = own[category.id] ?? []
      return Category(name: category.name, boxes: own.count, images: Set(own.map(\.image)).count)
    }
  }

  func show(_ common: CommonOptions) throws {
    if common.format == .json { return try Console.json(self) }
    var table = Table([("class", .left), ("boxes", .right), ("images", .right)])
    for category in categories {
      table.append([category.name, "\(category.boxes)", "\(category.images)"])
    }
    Console.result(
      """
      \(path): \(format), \(images) images (\(emptyImages) without boxes), \(boxes) boxes (\(crowds) crowds): \
      \(small) small, \(medium) medium, \(large) large

      \(table.text)
      """)
  }
}
