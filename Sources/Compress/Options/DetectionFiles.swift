import Formats
import Foundation
import ObjectDetection

/// Which images `detect` reads and where it writes.
enum DetectionFiles {
  /// The images of files and folders, each once, in the order given.
  static func collect(_ paths: [String], _ common: CommonOptions) throws -> [URL] {
    var files: [URL] = []
    var seen: Set<String> = []
    for path in paths {
      let url = URL(filePath: path)
      guard let kind = try InputFile.kind(of: url) else {
        throw CommandError(.noInput, "\(path): there is no such image or folder")
      }
      let listing = kind == .folder ? ImageListing(url) : nil
      if let remark = listing?.remark(on: url) { common.logger.warning("\(remark)") }
      let found = listing?.images ?? [url]
      guard !found.isEmpty else {
        throw CommandError(.noInput, "\(path): has no images in it (\(ImageFile.formats) are read)")
      }
      files += found.filter { seen.insert(identity($0)).inserted }
    }
    return files
  }

  /// A file for each image in a folder, which is made: the image's name, numbered where that is
  /// taken already or would overwrite an input.
  static func targets(for files: [URL], in folder: String) throws -> [URL] {
    let folder = URL(filePath: folder)
    try OutputFolder.make(folder)
    var taken = Set(files.map { identity($0).lowercased() })
    return files.map { file in
      let stem = file.deletingPathExtension().lastPathComponent
      let suffix = file.pathExtension.lowercased()
      let ending = ImageFile.writtenSuffixes.contains(suffix) ? file.pathExtension : "png"
      var target = folder.appending(path: "\(stem).\(ending)")
      var number = 2
      while !taken.insert(identity(target).lowercased()).inserted {
        target = folder.appending(path: "\(stem)-\(number).\(ending)")
        number += 1
      }
      return target
    }
  }

  private static func identity(_ url: URL) -> String { AtomicFile.place(of: url) }
}

/// The ids that images and classes have in COCO results.
struct DetectionIDs {
  /// The id of each image.
  var images: [Int]
  /// The id of each class; `nil` for those the annotations lack.
  var categories: [Int?]
  /// The annotations; `nil` without a file of them.
  var dataset: Dataset?

  /// Ids out of an annotation file, or by the names of files and classes.
  init(_ files: [URL], classes: [String], annotations: String?) throws {
    guard let annotations else {
      let numbers = files.map { Int($0.deletingPathExtension().lastPathComponent) }
      let isNumbered = !numbers.contains(nil) && Set(numbers).count == files.count
      images = isNumbered ? numbers.compactMap { $0 } : Array(1...files.count)
      categories = classes == COCOClasses.names ? COCOClasses.ids : Array(1...classes.count)
      return
    }
    let dataset = try COCOFormat.load(
      annotations: URL(filePath: annotations), reading: DatasetReading(looksAtImages: false))
    let ids = Dictionary(
      dataset.images.map { ($0.file.lastPathComponent, $0.id) },
      uniquingKeysWith: { first, _ in first })
    images = try files.map { file in
      guard let id = ids[file.lastPathComponent] else {
        throw CommandError(
          .badData, "\(annotations): has no image '\(file.lastPathComponent)'")
      }
      return id
    }
    categories = try ClassMapping(classes, to: dataset.categories).categories
    self.dataset = dataset
  }
}
