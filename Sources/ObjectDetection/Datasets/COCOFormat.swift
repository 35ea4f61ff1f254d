import Foundation

/// COCO's JSON files: annotations and detection results.
public enum COCOFormat {
  /// Reads an annotation file; images lie beside it, in `images/` or in a folder beside its own folder.
  ///
  /// Segmentations, licences and whatever else the file holds are passed over.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(annotations url: URL) throws -> Dataset {
    try scan(url) { try parseAnnotations(&$0, url) }
  }

  /// Reads a list of `{"image_id", "category_id", "bbox", "score"}`.
  ///
  /// - Throws: ``DatasetError``.
  public static func loadResults(_ url: URL) throws -> [DetectionRecord] {
    try scan(url) { scanner in
      var records: [DetectionRecord] = []
      try scanner.array { scanner in
        var record = DetectionRecord(
          image: 0, category: 0, x: 0, y: 0, width: 0, height: 0, score: 0)
        var seen = 0
        try scanner.object { scanner, key in
          switch key {
          case "image_id":
            record.image = try scanner.integer()
            seen |= 1
          case "category_id":
            record.category = try scanner.integer()
            seen |= 2
          case "bbox":
            (record.x, record.y, record.width, record.height) = try box(&scanner)
            seen |= 4
          case "score":
            record.score = try scanner.number()
            seen |= 8
          default: try scanner.skip()
          }
        }
        guard seen == 15 else {
          throw scanner.failure(
            "entry \(records.count) lacks one of image_id, category_id, bbox, score")
        }
        records.append(record)
      }
      return records
    }
  }

  /// The JSON of detection results, one entry a line.
  public static func serialize(_ records: [DetectionRecord]) -> Data {
    var text = "[\n"
    for (index, r) in records.enumerated() {
      let bbox = [r.x, r.y, r.width, r.height].map { "\(($0 * 1000).rounded() / 1000)" }
      text += "{\"image_id\": \(r.image), \"category_id\": \(r.category), "
      text += "\"bbox\": [\(bbox.joined(separator: ", "))], \"score\": \(r.score)}"
      text += index + 1 < records.count ? ",\n" : "\n"
    }
    return Data((text + "]\n").utf8)
  }

  private static func scan<Result>(
    _ url: URL, _ body: (inout JSONScanner) throws -> Result
  ) throws -> Result {
    guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
      throw DatasetError.unreadable(file: url.path)
    }
    return try data.withUnsafeBytes { raw in
      let bytes = raw.bindMemory(to: UInt8.self)
      var scanner = JSONScanner(bytes)
      do {
        let result = try body(&scanner)
        try scanner.end()
        return result
      } catch let failure as JSONScanner.Failure {
        let line = bytes.prefix(failure.offset).reduce(1) { $1 == 0x0a ? $0 + 1 : $0 }
        throw DatasetError.malformed(
          file: url.path, place: "line \(line), byte \(failure.offset)", reason: failure.reason)
      }
    }
  }

  private static func box(_ scanner: inout JSONScanner) throws -> (Double, Double, Double, Double) {
    var values: [Double] = []
    values.reserveCapacity(4)
    try scanner.array { values.append(try $0.number()) }
    guard values.count == 4 else { throw scanner.failure("has a bbox of \(values.count) numbers") }
    return (values[0], values[1], values[2], values[3])
  }

  private struct RawAnnotation {
    var id = 0
    var image = 0
    var category = 0
    var box = (0.0, 0.0, 0.0, 0.0)
    var area: Double?
    var isCrowd = false
    var hasBox = false
  }

  private static func parseAnnotations(_ scanner: inout JSONScanner, _ url: URL) throws -> Dataset {
    var images: [(id: Int, name: String, width: Int?, height: Int?)] = []
    var raw: [RawAnnotation] = []
    var categories: [Dataset.Category] = []
    var hasImages = false
    try scanner.object { scanner, key in
      switch key {
      case "images":
        hasImages = true
        try scanner.array { images.append(try image(&$0)) }
      case "annotations": try scanner.array { raw.append(try annotation(&$0)) }
      case "categories": try scanner.array { categories.append(try category(&$0)) }
      default: try scanner.skip()
      }
    }
    guard hasImages else {
      throw scanner.failure("is no COCO annotation file: it has no list of images")
    }
    guard !images.isEmpty else { throw DatasetError.noImages(url.path) }
    let folder = imageFolder(beside: url, first: images[0].name)
    let place = Dictionary(
      images.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    guard place.count == images.count else {
      throw DatasetError.malformed(
        file: url.path, place: "images", reason: "two images have the same id")
    }
    let known = Set(categories.map(\.id))
    let annotations = try raw.filter(\.hasBox).map { entry in
      guard let image = place[entry.image], known.contains(entry.category) else {
        throw DatasetError.malformed(
          file: url.path, place: "annotation \(entry.id)",
          reason: place[entry.image] == nil
            ? "there is no image \(entry.image)" : "there is no category \(entry.category)")
      }
      return Dataset.Annotation(
        id: entry.id, image: image, category: entry.category, x: entry.box.0, y: entry.box.1,
        width: entry.box.2, height: entry.box.3, area: entry.area, isCrowd: entry.isCrowd)
    }
    return Dataset(
      format: "COCO", source: url, categories: categories,
      images: images.map {
        Dataset.Image(
          id: $0.id, file: folder.appending(path: $0.name), width: $0.width, height: $0.height)
      }, annotations: annotations)
  }

  private static func imageFolder(beside url: URL, first: String) -> URL {
    let folder = url.deletingLastPathComponent()
    let parent = folder.deletingLastPathComponent()
    let stem = url.deletingPathExtension().lastPathComponent.replacing("instances_", with: "")
    let candidates = [
      folder.appending(path: "images"), folder, parent.appending(path: "images"),
      parent.appending(path: stem), parent.appending(path: "images/\(stem)"),
    ]
    return candidates.first {
      FileManager.default.fileExists(atPath: $0.appending(path: first).path)
    } ?? candidates[0]
  }

  private static func image(_ scanner: inout JSONScanner) throws -> (Int, String, Int?, Int?) {
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
    return (id, name ?? "\(id).jpg", width, height)
  }

  private static func annotation(_ scanner: inout JSONScanner) throws -> RawAnnotation {
    var entry = RawAnnotation()
    try scanner.object { scanner, key in
      switch key {
      case "id": entry.id = try scanner.integer()
      case "image_id": entry.image = try scanner.integer()
      case "category_id": entry.category = try scanner.integer()
      case "area": entry.area = try scanner.number()
      case "iscrowd": entry.isCrowd = try scanner.integer() != 0
      case "bbox":
        entry.box = try box(&scanner)
        entry.hasBox = true
      default: try scanner.skip()
      }
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
}

/// One line of a COCO result file.
public struct DetectionRecord: Sendable, Hashable {
  /// The id of the image.
  public var image: Int
  /// The id of the category.
  public var category: Int
  /// The left edge, in pixels.
  public var x: Double
  /// The upper edge, in pixels.
  public var y: Double
  /// The horizontal extent, in pixels.
  public var width: Double
  /// The vertical extent, in pixels.
  public var height: Double
  /// The confidence.
  public var score: Double

  /// A detection in an image.
  public init(
    image: Int, category: Int, x: Double, y: Double, width: Double, height: Double, score: Double
  ) {
    self.image = image
    self.category = category
    self.x = x
    self.y = y
    self.width = width
    self.height = height
    self.score = score
  }
}
