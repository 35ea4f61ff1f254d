import Foundation

/// COCO's JSON files: annotations and detection results.
public enum COCOFormat {
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

  static func scan<Result>(
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

  static func box(_ scanner: inout JSONScanner) throws -> (Double, Double, Double, Double) {
    var values: [Double] = []
    values.reserveCapacity(4)
    try scanner.array { values.append(try $0.number()) }
    guard values.count == 4 else { throw scanner.failure("has a bbox of \(values.count) numbers") }
    return (values[0], values[1], values[2], values[3])
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
