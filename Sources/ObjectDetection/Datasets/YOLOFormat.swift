import Foundation

/// YOLO's `data.yaml` with one text file of labels for each image.
///
/// A label line is `class x y width height`. All but the class are relative to the image; x and y
/// are the centre. Key points may follow where `kpt_shape` says so. A line with more numbers is a
/// polygon, which becomes the box around it. Images without a label file have no objects. As in
/// Ultralytics' reader, a label that is in a file twice counts once.
public enum YOLOFormat {
  /// Reads the split `val` (or `test`, or `train`, whichever comes first) of a data set, or the one
  /// named.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ url: URL, split: String? = nil) throws -> Dataset {
    try load(url, reading: DatasetReading(split: split))
  }

  /// Reads the split `val` (or `test`, or `train`, whichever comes first) of a data set, or the one
  /// named.
  ///
  /// - Throws: ``DatasetError``.
  static func load(_ url: URL, reading: DatasetReading) throws -> Dataset {
    let settings = try YOLOSettings(url)
    let names = try settings.classNames()
    var remarks = DatasetRemarks(url)
    let part = try settings.images(reading, &remarks)
    guard !part.files.isEmpty else { throw DatasetError.noImages(url.path) }
    let reader = YOLOLabels(classes: names.count, keypoints: try settings.keypoints())
    let resolver = PathResolver([url.deletingLastPathComponent()])
    var images: [Dataset.Image] = []
    var annotations: [Dataset.Annotation] = []
    var unreadable: [Int: Dataset.Unreadable] = [:]
    var labelFiles: Set<String> = []
    for (index, entry) in part.files.enumerated() {
      let stem = entry.url.deletingPathExtension().lastPathComponent
      var image = Dataset.Image(id: Int(stem) ?? index + 1, file: entry.url)
      let label = labelFile(of: entry.url, resolver)
      if let label { labelFiles.insert(label) }
      do {
        if let missing = entry.missing { throw missing }
        if let label {
          let size = try ImageFile.size(of: entry.url)
          (image.width, image.height) = (size.width, size.height)
          annotations += try reader.read(URL(filePath: label), &remarks).enumerated().map {
            $1.annotation(id: annotations.count + $0 + 1, image: index, size)
          }
        } else if reading.looksAtImages {
          _ = try ImageFile.size(of: entry.url)
        }
      } catch let error where reading.skipsBad || !YOLOLabels.isOfLabels(error) {
        unreadable[index] = Dataset.Unreadable(error)
      }
      images.append(image)
    }
    if Set(images.map(\.id)).count != images.count {
      for index in images.indices { images[index].id = index + 1 }
    }
    noteOrphans(part, labelFiles, &remarks)
    var sentences = remarks.sentences
    if labelFiles.isEmpty {
      let path = expectedLabel(of: part.files[0].url)[0]
      sentences.append(
        "\(url.path): none of \(images.count) images has labels; looked for \(path)")
    }
    return Dataset(
      format: "YOLO", source: url,
      categories: names.enumerated().map { Dataset.Category(id: $0, name: $1) }, images: images,
      annotations: annotations, remarks: sentences, unreadable: unreadable)
  }

  /// Where the labels of an image may be: in `labels/` in place of `images/`, and beside it.
  private static func expectedLabel(of image: URL) -> [String] {
    let stem = image.deletingPathExtension().lastPathComponent + ".txt"
    let folder = image.deletingLastPathComponent()
    var parts = folder.pathComponents
    var paths = ["\(folder.path)/\(stem)"]
    if let place = parts.lastIndex(where: { $0.lowercased() == "images" }) {
      parts[place] = "labels"
      paths.insert("\(NSString.path(withComponents: parts))/\(stem)", at: 0)
    }
    return paths
  }

  private static func labelFile(of image: URL, _ resolver: PathResolver) -> String? {
    expectedLabel(of: image).lazy.compactMap(resolver.existing).first
  }

  /// Adds a remark on label files without an image, in the folders of those that have one.
  private static func noteOrphans(
    _ part: YOLOSettings.Part, _ labelFiles: Set<String>, _ remarks: inout DatasetRemarks
  ) {
    guard part.isOfFolders else { return }
    for folder in Set(labelFiles.map { ($0 as NSString).deletingLastPathComponent }).sorted() {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names.sorted()
      where name.lowercased().hasSuffix(".txt") && !name.hasPrefix(".")
        && !labelFiles.contains("\(folder)/\(name)")
        && !["classes.txt", "notes.txt"].contains(name)
      {
        remarks.note("label files belong to no image and are passed over", "\(folder)/\(name)")
      }
    }
  }
}
