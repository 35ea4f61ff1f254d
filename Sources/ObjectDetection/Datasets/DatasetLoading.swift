import Formats
import Foundation

extension Dataset {
  /// Reads the named split of a data set.
  ///
  /// The format is recognised from what is at `url`.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ url: URL, split: String? = nil) throws -> Dataset {
    try load(url, reading: DatasetReading(split: split))
  }

  /// Reads a data set.
  ///
  /// The format is recognised from what is at `url`.
  ///
  /// Images that cannot be read stay in the set and are noted in ``Dataset/unreadable``.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ url: URL, reading: DatasetReading) throws -> Dataset {
    var isFolder: ObjCBool = false
    for path in [reading.imageFolder, url].compactMap({ $0?.path })
    where !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      throw DatasetError.missing(path)
    }
    if !isFolder.boolValue { return try file(url, reading) }
    if let file = try COCOFormat.annotationFile(in: url, split: reading.split) {
      return try COCOFormat.load(annotations: file, reading: reading)
    }
    let resolver = PathResolver([url])
    if let settings = settingsNames.lazy.compactMap({ resolver.find($0) }).first {
      return try YOLOFormat.load(settings.url, reading: reading)
    }
    if VOCFormat.annotationFolder(in: url) != nil {
      return try VOCFormat.load(url, reading: reading)
    }
    for folder in [url, url.appending(path: "images")] {
      let listing = ImageListing(folder)
      guard !listing.images.isEmpty else { continue }
      var dataset = images(listing.images, source: url)
      dataset.remarks = [listing.remark(on: folder), unreadLabels(beside: listing, in: url)]
        .compactMap { $0 }
      return dataset
    }
    throw DatasetError.unknownFormat(url.path)
  }

  /// A remark on labels beside images that cannot be read without a file that describes the set.
  private static func unreadLabels(beside listing: ImageListing, in folder: URL) -> String? {
    let resolver = PathResolver([folder])
    let beside = listing.images.prefix(8).lazy.flatMap { image in
      ["txt", "xml", "json"].map { image.deletingPathExtension().path + ".\($0)" }
    }
    guard
      let label = beside.compactMap(resolver.existing).first ?? resolver.find("labels")?.url.path
    else { return nil }
    return
      "\(folder.path): is taken as images without labels; \(label) is read through a data.yaml "
      + "(YOLO), an Annotations folder (Pascal VOC) or an annotations.json (COCO)"
  }

  /// Names of YOLO's settings in a folder.
  private static let settingsNames = ["data.yaml", "data.yml", "dataset.yaml", "dataset.yml"]

  private static func file(_ url: URL, _ reading: DatasetReading) throws -> Dataset {
    switch url.pathExtension.lowercased() {
    case "json": return try COCOFormat.load(annotations: url, reading: reading)
    case "yaml", "yml": return try YOLOFormat.load(url, reading: reading)
    case _ where ModelFormat.hdf5.hasEnding(of: url): return try PackFormat.load(url)
    case let suffix where ImageFile.suffixes.contains(suffix): return images([url], source: url)
    default: throw DatasetError.unknownFormat(url.path)
    }
  }

  /// Whether the set at `url` has separate splits for training and for validation.
  public static func hasSplits(_ url: URL) -> Bool {
    if ["yaml", "yml"].contains(url.pathExtension.lowercased()) { return true }
    if COCOFormat.hasParts(url) { return true }
    if (try? COCOFormat.annotationFile(in: url, split: nil)) != nil { return false }
    let resolver = PathResolver([url])
    return settingsNames.contains { resolver.find($0) != nil }
      || VOCFormat.annotationFolder(in: url) != nil && resolver.find("ImageSets") != nil
  }

  private static func images(_ files: [URL], source: URL) -> Dataset {
    Dataset(
      format: "images", source: source, categories: [],
      images: files.enumerated().map { Image(id: $0 + 1, file: $1) }, annotations: [])
  }
}
