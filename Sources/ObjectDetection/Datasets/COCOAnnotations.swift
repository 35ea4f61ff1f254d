import Foundation

extension COCOFormat {
  /// Reads an annotation file.
  ///
  /// Images are looked for in the given folder, beside the file, in `images/` or `data/`, and in
  /// folders beside the file's own.
  ///
  /// Segmentations, licences and other content are skipped. Annotations without a box are skipped
  /// with a remark. So are, as in pycocotools, those of images or categories that are not listed.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(
    annotations url: URL, reading: DatasetReading = DatasetReading()
  ) throws -> Dataset {
    let document = try scan(url) { try COCODocument(&$0) }
    guard let images = document.images else {
      throw DatasetError.malformed(
        file: url.path, place: "", reason: "is no COCO annotation file: it has no list of images")
    }
    guard !images.isEmpty else { throw DatasetError.noImages(url.path) }
    let dataset = try document.dataset(url, images, reading)
    return reading.looksAtImages ? dataset.surveyed() : dataset
  }

  /// Folders that image names may be relative to, the likeliest first.
  fileprivate static func imageRoots(_ url: URL, _ reading: DatasetReading) -> [URL] {
    let folder = url.deletingLastPathComponent()
    let parent = folder.deletingLastPathComponent()
    let stem = url.deletingPathExtension().lastPathComponent.replacing("instances_", with: "")
    let own = ["images", "", stem, "data"].map { folder.appending(path: $0) }
    let beside = ["images", stem, "images/\(stem)", "data", ""].map { parent.appending(path: $0) }
    let years = ["val2017", "train2017"].map { folder.appending(path: $0) }
    return (reading.imageFolder.map { [$0] } ?? []) + own + beside + years
  }
}

extension COCODocument {
  fileprivate func dataset(
    _ url: URL, _ listed: [Image], _ reading: DatasetReading
  ) throws -> Dataset {
    var remarks = DatasetRemarks(url)
    let imageIDs = COCOIdentifiers(listed.map(\.id))
    let categoryIDs = COCOIdentifiers(categories.map(\.id))
    let entries = try Self.unique(listed, "images", url, &remarks) { (imageIDs[$0.id], $0.name) }
    let kinds = try Self.unique(categories, "categories", url, &remarks) {
      (categoryIDs[$0.id], $0.name ?? "")
    }
    let resolver = PathResolver(COCOFormat.imageRoots(url, reading))
    var images: [Dataset.Image] = []
    var unreadable: [Int: Dataset.Unreadable] = [:]
    for (index, entry) in entries.enumerated() {
      let found = resolver.find(entry.name)
      if let found, found.isShortened {
        remarks.note(
          "images were found without the folders that they are named with",
          "'\(entry.name)' is \(found.url.path)")
      } else if found == nil, reading.looksAtImages {
        unreadable[index] = Dataset.Unreadable(
          "there is no image '\(entry.name)'; looked for \(resolver.tried(entry.name))",
          isMissing: true)
      }
      images.append(
        Dataset.Image(
          id: imageIDs[entry.id] ?? 0, file: found?.url ?? resolver.expected(entry.name),
          width: entry.width, height: entry.height))
    }
    let labels = objects(entries, kinds, imageIDs, categoryIDs, &remarks)
    var dataset = Dataset(
      format: "COCO", source: url,
      categories: kinds.map {
        Dataset.Category(
          id: categoryIDs[$0.id] ?? 0,
          name: $0.name ?? $0.id.text.trimmingCharacters(in: ["'"]))
      }, images: images, annotations: labels, remarks: remarks.sentences, unreadable: unreadable)
    (dataset.imageIDs, dataset.categoryIDs) = (imageIDs.texts, categoryIDs.texts)
    return dataset
  }

  /// The boxes of listed images and categories.
  private func objects(
    _ images: [Image], _ kinds: [Category], _ imageIDs: COCOIdentifiers,
    _ categoryIDs: COCOIdentifiers, _ remarks: inout DatasetRemarks
  ) -> [Dataset.Annotation] {
    let place = Dictionary(
      images.enumerated().map { (imageIDs[$1.id], $0) }, uniquingKeysWith: { first, _ in first })
    let known = Set(kinds.map { categoryIDs[$0.id] })
    var seen: Set<COCOIdentifier> = []
    var result: [Dataset.Annotation] = []
    for (index, entry) in annotations.enumerated() {
      let name = "annotations[\(index)]"
      guard let id = imageIDs[entry.image], let image = place[id] else {
        remarks.note(
          "annotations of images that are not listed are passed over",
          "\(name) of image \(entry.image.text)")
        continue
      }
      guard let category = categoryIDs[entry.category], known.contains(category) else {
        remarks.note(
          "annotations of categories that are not listed are passed over",
          "\(name) of category \(entry.category.text)")
        continue
      }
      if let id = entry.id, !seen.insert(id).inserted {
        remarks.note(
          "annotations have an id that another one has; all are kept",
          "\(name) has the id \(id.text)")
      }
      guard let box = entry.box else {
        remarks.note("annotations without a bbox are passed over", name)
        continue
      }
      if box.2 < 0 || box.3 < 0 {
        remarks.note("boxes of negative width or height are kept; none can be found", name)
      }
      let number = entry.id.flatMap(\.number) ?? index + 1
      result.append(
        Dataset.Annotation(
          id: number, image: image, category: category, x: box.0, y: box.1, width: box.2,
          height: box.3, area: entry.area, isCrowd: entry.isCrowd))
    }
    return result
  }

  /// The entries of a list, each once.
  private static func unique<Entry>(
    _ entries: [Entry], _ list: String, _ url: URL, _ remarks: inout DatasetRemarks,
    _ what: (Entry) -> (id: Int?, name: String)
  ) throws(DatasetError) -> [Entry] {
    var names: [Int?: String] = [:]
    var result: [Entry] = []
    for (index, entry) in entries.enumerated() {
      let (id, name) = what(entry)
      guard let other = names.updateValue(name, forKey: id) else {
        result.append(entry)
        continue
      }
      guard other == name else {
        throw .malformed(
          file: url.path, place: "\(list)[\(index)]",
          reason: "two \(list) have the id \(id ?? 0): '\(other)' and '\(name)'")
      }
      remarks.note("\(list) are listed twice and count once", "\(list)[\(index)], \(name)")
    }
    return result
  }
}
