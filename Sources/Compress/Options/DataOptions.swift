import ArgumentParser
import Evidence
import Foundation
import ObjectDetection
import Tensors

/// The labelled images a verb works on.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Images and labels: a COCO folder or JSON file, a Pascal VOC folder, a YOLO data.yaml, "
        + "a packed .h5 file, or a folder of images.",
      valueName: "path"))
  var data: String?

  @Option(
    help: "Which split of a VOC, YOLO or parted COCO set. (default: the validation split)")
  var split: String?

  @Option(
    help: ArgumentHelp(
      "The folder that the images of --data lie in, where that is not beside the labels.",
      valueName: "dir"), completion: .directory)
  var images: ImagesChoice?

  @Flag(
    help: "Leave out images that cannot be read, naming each, instead of stopping.")
  var skipBad = false

  @OptionGroup(title: "Scoring") var scoring: ScoringOptions

  mutating func validate() throws { try ImagesChoice.check(images, data: data) }

  /// What is scored of a data set.
  func scored(_ dataset: Dataset, _ common: CommonOptions) throws -> Dataset {
    try scoring.applied(to: dataset, common)
  }

  /// The data set at a path; the folder of images is that of --data alone.
  func source(_ path: String, split: String? = nil) -> DataSource {
    DataSource(
      path: path, split: split, images: path == data ? images?.folder : nil, skipsBad: skipBad)
  }

  /// The data set, which must have labels, or the embedded scenes; what was odd about the labels is
  /// logged.
  ///
  /// - Parameter looksAtImages: Whether image files must be there and readable.
  func labelled(_ common: CommonOptions? = nil, looksAtImages: Bool = true) throws -> Dataset {
    if let count = images?.count {
      throw ValidationError(
        "--images takes the folder that the images of --data lie in, found '\(count)'.")
    }
    guard let data else {
      return EmbeddedData.validation(pool: ThreadPool(threads: common?.threadCount ?? 1))
    }
    var source = source(data, split: split)
    source.looksAtImages = looksAtImages
    return try source.labelled(common, to: "score against")
  }
}

/// What is scored of labelled images.
struct ScoringOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("Score on so many images of the set. (default: all)", valueName: "images"))
  var limit: Int?

  @Option(help: "The seed that decides which images --limit takes. (default: 0)")
  var limitSeed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Score these classes of the set alone, as person,car. (default: all that the detector has)",
      valueName: "names"))
  var classes: String?

  /// The names of the classes; `nil` for all.
  private var names: [String]? {
    classes?.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  mutating func validate() throws {
    if names?.contains("") ?? false {
      throw ValidationError("--classes takes names with commas between, found '\(classes ?? "")'.")
    }
    try NumberRange.scenes.check(("--limit", limit))
    if limitSeed != nil && limit == nil {
      throw ValidationError("--limit-seed chooses the images of --limit: give --limit.")
    }
  }

  /// Whether anything is chosen.
  var isSet: Bool { limit != nil || classes != nil }

  /// Refuses a choice where nothing is scored.
  func check(hasImages: Bool) throws {
    guard !hasImages, isSet else { return }
    throw ValidationError(
      "--limit and --classes choose among labelled images: give some with --data.")
  }

  /// The images that are scored; which they are is logged.
  func applied(to dataset: Dataset, _ common: CommonOptions) throws -> Dataset {
    var chosen = try names.map { try dataset.counting(classes: $0) } ?? dataset
    if let limit { chosen = chosen.sampled(limit, seed: limitSeed ?? 0) }
    if let sample = chosen.sample { common.logger.notice("scored are \(sample)") }
    for remark in chosen.remarks.dropFirst(dataset.remarks.count) {
      common.logger.notice("\(remark)")
    }
    return chosen
  }
}

/// What `--images` says: where the images of `--data` lie or, without it, how many embedded scenes
/// there are to be.
enum ImagesChoice: ExpressibleByArgument, Equatable {
  case count(Int)
  case folder(String)

  init(argument: String) { self = Int(argument).map(Self.count) ?? .folder(argument) }

  /// How many scenes.
  var count: Int? { if case .count(let count) = self { count } else { nil } }
  /// The folder of images.
  var folder: String? { if case .folder(let folder) = self { folder } else { nil } }

  /// Refuses a number with data, a folder without, and numbers below 1.
  static func check(_ images: ImagesChoice?, data: String?) throws {
    switch images {
    case .count(let count)? where data != nil:
      throw ValidationError(
        "--images counts embedded scenes; leave it out with --data, or name a folder as ./\(count)."
      )
    case .count(let count)?: try NumberRange.scenes.check(("--images", count))
    case .folder(let folder)? where data == nil:
      throw ValidationError(
        "--images \(folder) is where the images of --data lie: give --data, or a number of scenes.")
    default: break
    }
  }
}

/// A data set as options name it.
struct DataSource {
  var path: String
  var split: String?
  /// The folder its images lie in; `nil` for the usual places.
  var images: String?
  /// Whether images that cannot be read are left out.
  var skipsBad = false
  /// Whether image files must be there and readable.
  var looksAtImages = true

  /// The data set; what was odd about it and what is left out is logged.
  ///
  /// - Throws: `DatasetError`, also when images cannot be read and are not to be left out.
  func load(_ common: CommonOptions?) throws -> Dataset {
    let found = try Dataset.load(
      URL(filePath: path),
      reading: DatasetReading(
        split: split, imageFolder: images.map { URL(filePath: $0) }, skipsBad: skipsBad,
        looksAtImages: looksAtImages))
    for remark in found.remarks { common?.logger.warning("\(remark)") }
    let dataset = try found.readable(skippingBad: skipsBad)
    for reason in dataset.leftOut { common?.logger.warning("skipped \(reason)") }
    return dataset
  }

  /// The data set, which must have labels.
  ///
  /// - Parameter use: What labels are for: "score against".
  func labelled(_ common: CommonOptions?, to use: String) throws -> Dataset {
    let dataset = try load(common)
    guard dataset.isLabelled else {
      throw DatasetError.unlabelled(path, use: use)
    }
    return dataset
  }
}
