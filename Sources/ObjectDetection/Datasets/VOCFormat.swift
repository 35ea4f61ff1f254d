import Foundation

/// Pascal VOC folders: `Annotations/*.xml`, `JPEGImages/` or `images/`, `ImageSets/Main/*.txt`; or
/// XML files beside their images, as LabelImg leaves them.
///
/// Pixel coordinates count from 1 in VOC. Boxes are shifted to count from 0, so `xmin = 1` becomes
/// the left edge.
public enum VOCFormat {
  /// Reads a split named by a file of `ImageSets/Main`, by default `val`, `test` or all images.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ folder: URL, split: String? = nil) throws -> Dataset {
    try load(folder, reading: DatasetReading(split: split))
  }

  /// Reads a split named by a file of `ImageSets/Main`, by default `val`, `test` or all images.
  ///
  /// - Throws: ``DatasetError``.
  static func load(_ folder: URL, reading: DatasetReading) throws -> Dataset {
    let (entries, list) = try VOCEntry.all(in: folder, reading)
    guard !entries.isEmpty else { throw DatasetError.noImages(folder.path) }
    let resolver = PathResolver(
      (reading.imageFolder.map { [$0] } ?? [])
        + ["JPEGImages", "images", ""].map { folder.appending(path: $0) })
    var remarks = DatasetRemarks(folder)
    var images: [Dataset.Image] = []
    var unreadable: [Int: Dataset.Unreadable] = [:]
    var objects: [(image: Int, object: VOCObject)] = []
    for (index, entry) in entries.enumerated() {
      let read = Result { try entry.document() }
      if case .failure(let error) = read {
        guard reading.skipsBad else { throw error }
        unreadable[index] = Dataset.Unreadable(error)
      }
      let document = try? read.get()
      let names = entry.imageNames + [document?.fileName].compactMap { $0 }
      let found = names.lazy.compactMap { resolver.find($0) }.first
      if found == nil, unreadable[index] == nil, reading.looksAtImages {
        unreadable[index] = Dataset.Unreadable(
          "there is no image '\(names[0])'; looked for \(resolver.tried(names[0])) "
            + "and in other formats",
          isMissing: true)
      }
      let image = Dataset.Image(
        id: index + 1, file: found?.url ?? resolver.expected(names[0]), width: document?.width,
        height: document?.height)
      images.append(image)
      for object in document?.objects ?? [] {
        remark(object, in: image, entry, &remarks)
        objects.append((index, object))
      }
    }
    if list == nil { noteUnlabelled(in: resolver.roots, images, &remarks) }
    let result = dataset(folder, images, objects, remarks.sentences, unreadable)
    return reading.looksAtImages ? result.surveyed() : result
  }

  /// The folder of annotation files: `Annotations/`, in any letter case where it holds XML files,
  /// else one in which an XML file lies beside an image of its name.
  static func annotationFolder(in folder: URL) -> URL? {
    let resolver = PathResolver([folder])
    if let found = resolver.find("Annotations")?.url,
      found.lastPathComponent == "Annotations" || !VOCEntry.annotationFiles(in: found).isEmpty
    {
      return found
    }
    return [folder, folder.appending(path: "images"), folder.appending(path: "JPEGImages")].first {
      let files = VOCEntry.annotationFiles(in: $0)
      guard !files.isEmpty else { return false }
      let images = Set(ImageListing($0).all.map { $0.deletingPathExtension().lastPathComponent })
      // Other programs put XML files of their own beside images.
      return files.lazy.filter { images.contains($0.deletingPathExtension().lastPathComponent) }
        .prefix(8).contains { (try? VOCDocument($0))?.isOfImage ?? false }
    }
  }

  /// Adds a remark on images without an annotation file, in the first of the folders that has
  /// images.
  private static func noteUnlabelled(
    in roots: [URL], _ images: [Dataset.Image], _ remarks: inout DatasetRemarks
  ) {
    let listings = roots.lazy.map { ImageListing($0).all }
    let known = Set(images.map(\.file.path))
    for image in listings.first(where: { !$0.isEmpty }) ?? [] where !known.contains(image.path) {
      remarks.note(
        "images have no annotation file and are passed over", image.lastPathComponent)
    }
  }

  /// Adds a remark on implausible boxes.
  ///
  /// They stay, as the devkit leaves them.
  private static func remark(
    _ object: VOCObject, in image: Dataset.Image, _ entry: VOCEntry,
    _ remarks: inout DatasetRemarks
  ) {
    let edges = [object.left, object.top, object.right, object.bottom].map { "\($0)" }
    let example = "\(entry.name).xml, \(object.name) \(edges.joined(separator: " "))"
    if object.left > object.right || object.top > object.bottom {
      remarks.note("boxes end before they begin; they stay and none can be found", example)
    } else if object.left < 0 || object.top < 0 {
      remarks.note("boxes begin at negative pixels and stay as labelled", example)
    } else if object.right > Double(image.width ?? .max)
      || object.bottom > Double(image.height ?? .max)
    {
      remarks.note("boxes reach beyond their image and stay as labelled", example)
    }
  }

  private static func dataset(
    _ folder: URL, _ images: [Dataset.Image], _ objects: [(image: Int, object: VOCObject)],
    _ remarks: [String], _ unreadable: [Int: Dataset.Unreadable]
  ) -> Dataset {
    let names = Set(objects.map(\.object.name)).sorted()
    let number = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 + 1) })
    return Dataset(
      format: "Pascal VOC", source: folder,
      categories: names.enumerated().map { Dataset.Category(id: $0 + 1, name: $1) },
      images: images,
      annotations: objects.enumerated().map { index, entry in
        let o = entry.object
        return Dataset.Annotation(
          id: index + 1, image: entry.image, category: number[o.name] ?? 0, x: o.left - 1,
          y: o.top - 1, width: o.right - o.left, height: o.bottom - o.top,
          isDifficult: o.isDifficult)
      }, remarks: remarks, unreadable: unreadable)
  }
}
