import Foundation

/// COCO's JSON files: annotations and detection results.
public enum COCOFormat {
  /// Reads a list of `{"image_id", "category_id", "bbox", "score"}`.
  ///
  /// - Parameter dataset: The data set whose text ids the entries may use.
  /// - Throws: ``DatasetError``.
  public static func loadResults(
    _ url: URL, for dataset: Dataset? = nil
  ) throws -> [DetectionRecord] {
    try scan(url) { scanner in
      var records: [DetectionRecord] = []
      try scanner.array { scanner in
        var record = DetectionRecord(
          image: 0, category: 0, x: 0, y: 0, width: 0, height: 0, score: 0)
        var seen = 0
        try scanner.object { scanner, key in
          switch key {
          case "image_id":
            record.image = try id(&scanner, dataset?.imageIDs)
            seen |= 1
          case "category_id":
            record.category = try id(&scanner, dataset?.categoryIDs)
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
          throw scanner.refusal("lacks one of image_id, category_id, bbox, score")
        }
        records.append(record)
      }
      return records
    }
  }

  private static func id(_ scanner: inout JSONScanner, _ known: [String: Int]?) throws -> Int {
    switch try COCOIdentifier(&scanner) {
    case .number(let number): return number
    case .text(let text):
      guard let number = known?[text] ?? Int(text) else {
        throw scanner.refusal("there is no '\(text)'")
      }
      return number
    }
  }

  /// The JSON of detection results, one entry on each line.
  ///
  /// - Parameter dataset: The data set. Ids that are texts in its labels are written as these
  ///   texts.
  public static func serialize(_ records: [DetectionRecord], for dataset: Dataset? = nil) -> Data {
    func names(_ ids: [String: Int]?) -> [Int: String] {
      let pairs = (ids ?? [:]).map { ($1, quoted($0)) }
      return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
    let (images, categories) = (names(dataset?.imageIDs), names(dataset?.categoryIDs))
    var text = "[\n"
    for (index, r) in records.enumerated() {
      let bbox = [r.x, r.y, r.width, r.height].map { "\(($0 * 1000).rounded() / 1000)" }
      let (image, category) = (images[r.image], categories[r.category])
      text += "{\"image_id\": \(image ?? "\(r.image)"), "
      text += "\"category_id\": \(category ?? "\(r.category)"), "
      text += "\"bbox\": [\(bbox.joined(separator: ", "))], \"score\": \(r.score)}"
      text += index + 1 < records.count ? ",\n" : "\n"
    }
    return Data((text + "]\n").utf8)
  }

  private static func quoted(_ text: String) -> String {
    let data = try? JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
  }

  static func scan<Result>(
    _ url: URL, _ body: (inout JSONScanner) throws -> Result
  ) throws -> Result {
    let data = try TextFile.bytes(of: url)
    // Texts that are kept are checked one by one, because a file may have hundreds of megabytes.
    let isMarked = data.first.map { [0xef, 0xfe, 0xff, 0].contains($0) } ?? false
    let isWide = data.prefix(2).contains(0)
    let text = isMarked || isWide ? try TextFile.utf8(data, file: url.path) : data
    return try text.withUnsafeBytes { raw in
      let bytes = raw.bindMemory(to: UInt8.self)
      var scanner = JSONScanner(bytes)
      do {
        let result = try body(&scanner)
        try scanner.end()
        return result
      } catch let failure as JSONScanner.Failure {
        let line = bytes.prefix(failure.offset).reduce(1) { $1 == 0x0a ? $0 + 1 : $0 }
        let inside = failure.path.isEmpty ? "line \(line)" : "\(failure.path) (line \(line))"
        let place = failure.isOfValue ? inside : "line \(line), byte \(failure.offset)"
        throw DatasetError.malformed(file: url.path, place: place, reason: failure.reason)
      }
    }
  }

  static func box(_ scanner: inout JSONScanner) throws -> (Double, Double, Double, Double) {
    var values: [Double] = []
    values.reserveCapacity(4)
    try scanner.array { values.append(try $0.number()) }
    guard values.count == 4 else {
      throw scanner.refusal("is a bbox of \(values.count) numbers, not of 4")
    }
    return (values[0], values[1], values[2], values[3])
  }
}

/// An id as annotation files write it.
enum COCOIdentifier: Hashable {
  case number(Int)
  case text(String)

  /// Reads an id.
  init(_ scanner: inout JSONScanner) throws {
    guard try scanner.isAtString() else {
      self = .number(try scanner.integer())
      return
    }
    self = .text(try scanner.string())
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
