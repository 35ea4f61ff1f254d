import Foundation

extension COCOFormat {
  /// Names of a folder's only annotation file: that of this tool, Roboflow's and FiftyOne's.
  private static let fileNames = ["annotations.json", "_annotations.coco.json", "labels.json"]

  /// The annotation file of a folder: one of ``fileNames``, the file of the split in
  /// `annotations/`, or that in the split's own folder.
  ///
  /// The default split is that for validation.
  ///
  /// - Throws: ``DatasetError`` when several files fit.
  static func annotationFile(in folder: URL, split: String?) throws -> URL? {
    let resolver = PathResolver([folder])
    if let own = fileNames.lazy.compactMap({ resolver.find($0) }).first { return own.url }
    let inner = folder.appending(path: "annotations")
    let files = annotationFiles(in: inner)
    guard !files.isEmpty else { return partFile(in: resolver, split: split) }
    let wanted = split ?? "val"
    let fitting = files.filter { stem($0).hasPrefix(wanted) }
    let chosen = fitting.isEmpty && split == nil ? files : fitting
    guard chosen.count == 1 else {
      if resolver.find("data.yaml") != nil { return nil }
      throw DatasetError.severalParts(folder: inner.path, parts: files)
    }
    return inner.appending(path: chosen[0])
  }

  /// Whether a folder has a folder with images and labels for each split, as Roboflow writes them.
  static func hasParts(_ folder: URL) -> Bool {
    let resolver = PathResolver([folder])
    return fileNames.allSatisfy { resolver.find($0) == nil }
      && partFile(in: resolver, split: "train") != nil
  }

  private static func partFile(in resolver: PathResolver, split: String?) -> URL? {
    let parts: [String]
    switch split {
    case nil: parts = ["valid", "val", "test", "train"]
    case "val"?: parts = ["val", "valid"]
    case let split?: parts = [split]
    }
    let paths = parts.flatMap { part in fileNames.map { "\(part)/\($0)" } }
    return paths.lazy.compactMap { resolver.find($0) }.first { !$0.isShortened }?.url
  }

  private static func stem(_ name: String) -> String {
    name.lowercased().replacing("instances_", with: "")
  }

  /// Files with boxes: those with COCO's own names, else every JSON file that is not for another of
  /// COCO's tasks.
  private static func annotationFiles(in folder: URL) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let files = names.filter { !$0.hasPrefix(".") && $0.lowercased().hasSuffix(".json") }.sorted()
    let boxes = files.filter { $0.hasPrefix("instances_") }
    let others = ["captions_", "person_keypoints_", "panoptic_", "stuff_", "image_info_"]
    return boxes.isEmpty
      ? files.filter { file in !others.contains { file.hasPrefix($0) } } : boxes
  }
}
