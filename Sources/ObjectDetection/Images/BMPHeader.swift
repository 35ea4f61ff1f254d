import Foundation

/// The header of a BMP file.
struct BMPHeader {
  /// How pixels are stored.
  enum Compression { case none, runLengths, fields }

  let width: Int
  let height: Int
  let isTopDown: Bool
  let bits: Int
  let compression: Compression
  /// Bits of red, green and blue in a pixel.
  let masks: [Int]
  /// Red, green and blue of each colour.
  let palette: [UInt8]
  /// Where the pixels begin.
  let start: Int
  private let file: String

  init(_ data: Data, file: String) throws(ImageError) {
    let reader = Reader(data, file: file)
    self.file = file
    let size = try reader.number(14)
    let isOS2 = size == 12
    let top: Int
    if isOS2 {
      (width, top) = (try reader.number(18, 2), try reader.number(20, 2))
      bits = try reader.number(24, 2)
    } else {
      width = Int(Int32(truncatingIfNeeded: try reader.number(18)))
      top = Int(Int32(truncatingIfNeeded: try reader.number(22)))
      bits = try reader.number(28, 2)
    }
    (height, isTopDown) = (abs(top), top < 0)
    guard width > 0, height > 0, width * height <= ImageFile.pixelLimit else {
      throw .damaged(file: file, reason: "it declares \(width) × \(height) pixels")
    }
    let method = size >= 40 ? try reader.number(30) : 0
    switch (method, bits) {
    case (0, 1), (0, 2), (0, 4), (0, 8), (0, 24), (0, 32), (0, 16): compression = .none
    case (1, 8), (2, 4): compression = .runLengths
    case (3, 16), (3, 32), (6, 16), (6, 32): compression = .fields
    default:
      throw .damaged(file: file, reason: "its \(bits) bits by method \(method) are not read")
    }
    start = try reader.number(10)
    masks = try Self.masks(reader, compression, bits: bits)
    palette = bits <= 8 ? try Self.palette(reader, size, bits: bits, before: start) : []
    if compression == .runLengths, width * height / 1024 > data.count + 1024 {
      throw .damaged(file: file, reason: "\(data.count) bytes declare \(width) × \(height) pixels")
    }
  }

  private static func masks(
    _ reader: Reader, _ compression: Compression, bits: Int
  ) throws(ImageError) -> [Int] {
    if compression != .fields { return [0x7c00, 0x3e0, 0x1f] }
    let masks = [try reader.number(54), try reader.number(58), try reader.number(62)]
    for mask in masks {
      let field = mask == 0 ? 0 : mask >> mask.trailingZeroBitCount
      guard field > 0, field & (field + 1) == 0, mask < 1 << bits else {
        throw .damaged(file: reader.file, reason: "its bit fields are not read")
      }
    }
    return masks
  }

  private static func palette(
    _ reader: Reader, _ size: Int, bits: Int, before start: Int
  ) throws(ImageError) -> [UInt8] {
    let step = size == 12 ? 3 : 4
    let declared = size >= 40 ? try reader.number(46) : 0
    let most = 1 << bits
    // OS/2 files do not say how many colours there are; the palette ends where the pixels begin.
    let room = max(0, (start - 14 - size) / step)
    let count = min(declared == 0 ? most : min(declared, most), room)
    var palette: [UInt8] = []
    for index in 0..<count {
      let place = 14 + size + index * step
      for channel in [2, 1, 0] { palette.append(UInt8(try reader.number(place + channel, 1))) }
    }
    return palette
  }

  /// Where rows begin and how far apart they are.
  ///
  /// Throws where rows are missing.
  func rows(in bytes: [UInt8]) throws(ImageError) -> (start: Int, stride: Int) {
    let stride = (width * bits + 31) / 32 * 4
    let last = (width * bits + 7) / 8
    guard start <= bytes.count, stride * (height - 1) + last <= bytes.count - start else {
      throw .damaged(file: file, reason: "its pixels end too early")
    }
    return (start, stride)
  }

  /// Writes a colour of the palette; missing colours are black.
  func put(_ index: Int, into pixels: inout [UInt8], at target: Int) {
    guard 3 * index + 2 < palette.count else { return }
    for channel in 0..<3 { pixels[target + channel] = palette[3 * index + channel] }
  }

  func damage(_ reason: String) -> ImageError { .damaged(file: file, reason: reason) }

  /// Little-endian numbers of a file.
  private struct Reader {
    private let data: Data
    let file: String

    init(_ data: Data, file: String) { (self.data, self.file) = (data, file) }

    func number(_ at: Int, _ count: Int = 4) throws(ImageError) -> Int {
      guard at >= 0, at + count <= data.count else {
        throw .damaged(file: file, reason: "its header ends too early")
      }
      let start = data.startIndex + at
      return (0..<count).reduce(0) { $0 | Int(data[start + $1]) << (8 * $1) }
    }
  }
}
