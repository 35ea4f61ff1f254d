import Foundation

extension COCOFormat {
  /// Reads an annotation file; images lie beside it, in `images/` or in a folder beside its own folder.
  ///
  /// Segmentations, licences and whatever else the file holds are passed over. Annotations without a box are passed over
  /// with a remark.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(annotations url: URL) throws -> Dataset {
    let document = try scan(url) { try COCODocument(&$0) }
    guard document.hasImages else {
      throw DatasetError.malformed(
        file: url.path, place: "", reason: "is no COCO annotation file: it has no list of images")
    }
    guard !document.images.isEmpty else { throw DatasetError.noImages(url.path) }
    return try document.dataset(url)
  }

  /// The annotation file of a folder: `annotations.json`, Roboflow's `_annotations.coco.json`, or the one of
  /// `annotations/instances_*.json` that belongs to the split, by default the one for validation.
  ///
  /// - Throws: ``DatasetError`` when several files fit.
  static func annotationFile(in folder: URL, split: String?) throws -> URL? {
    for name in ["annotations.json", "_annotations.coco.json"] {
      let url = folder.appending(path: name)
      if FileManager.default.fileExists(atPath: url.path) { return url }
    }
    let inner = folder.appending(path: "annotations")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: inner.path)) ?? []
    let files = names.filter { $0.hasPrefix("instances_") && $0.hasSuffix(".json") }.sorted()
    guard !files.isEmpty else { return nil }
    let fitting = files.filter { $0.hasPrefix("instances_\(split ?? "val")") }
    let chosen = fitting.isEmpty && split == nil ? files : fitting
    guard chosen.count == 1 else {
      throw DatasetError.malformed(
        file: inner.path, place: "",
        reason: "choose a part with --split: there are \(files.joined(separator: ", "))")
    }
    return inner.appending(path: chosen[0])
  }

  /// The file of an image: absolute names stay, others are taken from the folder.
  fileprivate static func file(_ name: String, in folder: URL) -> URL {
    name.hasPrefix("/") ? URL(filePath: name) : folder.appending(path: name)
  }

  fileprivate static func imageFolder(beside url: URL, names: some Sequence<String>) -> URL {
    let folder = url.deletingLastPathComponent()
    let parent = folder.deletingLastPathComponent()
    let stem = url.deletingPathExtension().lastPathComponent.replacing("instances_", with: "")
    let candidates = [
      folder.appending(path: "images"), folder, folder.appending(path: stem),
      parent.appending(path: "images"), parent.appending(path: stem),
      parent.appending(path: "images/\(stem)"), folder.appending(path: "val2017"),
      folder.appending(path: "train2017"),
    ]
    // The first image may be the one that is missing.
    for name in names.prefix(8) {
      for candidate in candidates
      where FileManager.default.fileExists(atPath: file(name, in: candidate).path) {
        return candidate
      }
    }
    return candidates[0]
  }
}

/// The lists of an annotation file as they stand there.
private struct COCODocument {
  struct Annotation {
    var id: Int?
    var image: Int?
    var category: Int?
    var box: (Double, Double, Double, Double)?
    var area: Double?
    var isCrowd = false
  }

  var hasImages = false
  var images: [(id: Int, name: String, width: Int?, height: Int?)] = []
  var annotations: [Annotation] = []
  var categories: [Dataset.Category] = []

  init(_ scanner: inout JSONScanner) throws {
    var (hasImages, images) = (false, images)
    var (annotations, categories) = (annotations, categories)
    try scanner.object { scanner, key in
      switch key {
      case "images":
        hasImages = true
        try scanner.array { images.append(try Self.image(&$0)) }
      case "annotations": try scanner.array { annotations.append(try Self.annotation(&$0)) }
      case "categories": try scanner.array { categories.append(try Self.category(&$0)) }
      default: try scanner.skip()
      }
    }
    (self.hasImages, self.images) = (hasImages, images)
    (self.annotations, self.categories) = (annotations, categories)
  }

  private static func image(
    _ scanner: inout JSONScanner
  ) throws -> (id: Int, name: String, width: Int?, height: Int?) {
    var (id, name): (Int?, String?) = (nil, nil)
    var (width, height): (Int?, Int?) = (nil, nil)
    try scanner.object { scanner, key in
      switch key {
      case "id": id = try scanner.integer()
      case "file_name": name = try scanner.string()
      case "width": width = try scanner.integer()
      case "height": height = try scanner.integer()
      default: try scanner.skip()
      }
    }
    guard let id else { throw scanner.failure("has an image without an id") }
    guard let name, !name.isEmpty else {
      throw scanner.failure("has an image (id \(id)) without a file_name")
    }
    return (id, name, width, height)
  }

  private static func annotation(_ scanner: inout JSONScanner) throws -> Annotation {
    var entry = Annotation()
    try scanner.object { scanner, key in
      switch key {
      case "id": entry.id = try scanner.integer()
      case "image_id": entry.image = try scanner.integer()
      case "category_id": entry.category = try scanner.integer()
      case "area": entry.area = try scanner.number()
      case "iscrowd": entry.isCrowd = try scanner.integer() != 0
      case "bbox": entry.box = try COCOFormat.box(&scanner)
      default: try scanner.skip()
      }
    }
    if entry.image == nil || entry.category == nil {
      let lacking = entry.image == nil ? "an image_id" : "a category_id"
      let name = entry.id.map { " (id \($0))" } ?? ""
      throw scanner.failure("has an annotation\(name) without \(lacking)")
    }
    return entry
  }

  private static func category(_ scanner: inout JSONScanner) throws -> Dataset.Category {
    var (id, name): (Int?, String?) = (nil, nil)
    try scanner.object { scanner, key in
      switch key {
      case "id": id = try scanner.integer()
      case "name": name = try scanner.string()
      default: try scanner.skip()
      }
    }
    guard let id else { throw scanner.failure("has a category without an id") }
    return Dataset.Category(id: id, name: name ?? "\(id)")
  }

  func dataset(_ url: URL) throws -> Dataset {
    func malformed(_ place: String, _ reason: String) -> DatasetError {
      .malformed(file: url.path, place: place, reason: reason)
    }
    let place = Dictionary(
      images.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    if let twice = Self.repeated(images.map(\.id)) {
      throw malformed("images", "two images have the id \(twice)")
    }
    if let twice = Self.repeated(categories.map(\.id)) {
      throw malformed("categories", "two categories have the id \(twice)")
    }
    let known = Set(categories.map(\.id))
    var boxless = 0
    var result: [Dataset.Annotation] = []
    for (index, entry) in annotations.enumerated() {
      let id = entry.id ?? index + 1
      guard let image = entry.image, let category = entry.category else { continue }
      guard let imageIndex = place[image] else {
        throw malformed("annotation \(id)", "there is no image \(image)")
      }
      guard known.contains(category) else {
        throw malformed("annotation \(id)", "there is no category \(category)")
      }
      guard let box = entry.box else {
        boxless += 1
        continue
      }
      result.append(
        Dataset.Annotation(
          id: id, image: imageIndex, category: category, x: box.0, y: box.1, width: box.2,
          height: box.3, area: entry.area, isCrowd: entry.isCrowd))
    }
    var remarks: [String] = []
    if boxless > 0 {
      remarks.append("\(url.path): \(boxless) annotations without a bbox are passed over")
    }
    if let twice = Self.repeated(annotations.compactMap(\.id)) {
      remarks.append("\(url.path): several annotations have the id \(twice); all are kept")
    }
    let folder = COCOFormat.imageFolder(beside: url, names: images.lazy.map(\.name))
    return Dataset(
      format: "COCO", source: url, categories: categories,
      images: images.map {
        Dataset.Image(
          id: $0.id, file: COCOFormat.file($0.name, in: folder), width: $0.width,
          height: $0.height)
      }, annotations: result, remarks: remarks)
  }

  private static func repeated(_ ids: [Int]) -> Int? {
    var seen: Set<Int> = []
    return ids.first { !seen.insert($0).inserted }
  }
}
