import Foundation

/// BMP of every header since OS/2's: 1, 2, 4, 8, 16, 24 and 32 bits, palettes, bit fields, run lengths; alpha is dropped.
///
/// The format is rows of numbers behind a header; libjpeg-turbo's reader knows 8 to 32 bits and the oldest headers only,
/// and takes no bytes in memory.
enum BMPCodec {
  static func fits(_ bytes: Data) -> Bool {
    guard bytes.starts(with: Array("BM".utf8)), bytes.count >= 18 else { return false }
    return headerSizes.contains(Int(bytes[bytes.startIndex + 14]))
      && bytes.dropFirst(15).prefix(3).allSatisfy { $0 == 0 }
  }

  static func size(
    _ data: Data, file: String
  ) throws(ImageError) -> (width: Int, height: Int) {
    let header = try BMPHeader(data, file: file)
    return (header.width, header.height)
  }

  static func decode(_ data: Data, file: String) throws(ImageError) -> PixelBuffer {
    let header = try BMPHeader(data, file: file)
    let bytes = [UInt8](data)
    var pixels: [UInt8]
    switch header.compression {
    case .runLengths: pixels = try RunLengths(header, bytes).pixels()
    case .none where header.bits <= 8: pixels = try indexed(header, bytes)
    case .none where header.bits >= 24: pixels = try direct(header, bytes)
    case .none, .fields: pixels = try masked(header, bytes)
    }
    if !header.isTopDown { flip(&pixels, stride: header.width * 3) }
    return PixelBuffer(width: header.width, height: header.height, pixels: pixels)
  }

  private static let headerSizes = [12, 16, 40, 52, 56, 64, 108, 124]

  private static func indexed(
    _ header: BMPHeader, _ bytes: [UInt8]
  ) throws(ImageError) -> [UInt8] {
    let (start, stride) = try header.rows(in: bytes)
    var pixels = [UInt8](repeating: 0, count: header.width * header.height * 3)
    let (bits, mask) = (header.bits, (1 << header.bits) - 1)
    var target = 0
    for row in 0..<header.height {
      for column in 0..<header.width {
        let bit = column * bits
        let byte = Int(bytes[start + row * stride + bit >> 3])
        header.put(byte >> (8 - bits - bit & 7) & mask, into: &pixels, at: target)
        target += 3
      }
    }
    return pixels
  }

  private static func direct(
    _ header: BMPHeader, _ bytes: [UInt8]
  ) throws(ImageError) -> [UInt8] {
    let (start, stride) = try header.rows(in: bytes)
    var pixels = [UInt8](repeating: 0, count: header.width * header.height * 3)
    let step = header.bits / 8
    var target = 0
    for row in 0..<header.height {
      var source = start + row * stride
      for _ in 0..<header.width {
        pixels[target] = bytes[source + 2]
        pixels[target + 1] = bytes[source + 1]
        pixels[target + 2] = bytes[source]
        (source, target) = (source + step, target + 3)
      }
    }
    return pixels
  }

  private static func masked(
    _ header: BMPHeader, _ bytes: [UInt8]
  ) throws(ImageError) -> [UInt8] {
    let (start, stride) = try header.rows(in: bytes)
    var pixels = [UInt8](repeating: 0, count: header.width * header.height * 3)
    let step = header.bits / 8
    let fields = header.masks.map { mask in
      (mask: mask, shift: mask.trailingZeroBitCount, most: mask >> mask.trailingZeroBitCount)
    }
    var target = 0
    for row in 0..<header.height {
      for column in 0..<header.width {
        let place = start + row * stride + column * step
        let value = (0..<step).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        for field in fields {
          pixels[target] = UInt8((value & field.mask) >> field.shift * 255 / field.most)
          target += 1
        }
      }
    }
    return pixels
  }

  private static func flip(_ pixels: inout [UInt8], stride: Int) {
    var (top, bottom) = (0, pixels.count - stride)
    while top < bottom {
      for column in 0..<stride { pixels.swapAt(top + column, bottom + column) }
      (top, bottom) = (top + stride, bottom - stride)
    }
  }
}

/// What stands before the pixels of a BMP file.
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
    // OS/2 files say nothing of how many colours there are; they end where the pixels begin.
    let room = max(0, (start - 14 - size) / step)
    let count = min(declared == 0 ? most : min(declared, most), room)
    var palette: [UInt8] = []
    for index in 0..<count {
      let place = 14 + size + index * step
      for channel in [2, 1, 0] { palette.append(UInt8(try reader.number(place + channel, 1))) }
    }
    return palette
  }

  /// Where rows begin and how far apart they are, once it is known that all are there.
  func rows(in bytes: [UInt8]) throws(ImageError) -> (start: Int, stride: Int) {
    let stride = (width * bits + 31) / 32 * 4
    let last = (width * bits + 7) / 8
    guard start <= bytes.count, stride * (height - 1) + last <= bytes.count - start else {
      throw .damaged(file: file, reason: "its pixels end too early")
    }
    return (start, stride)
  }

  /// Writes a colour of the palette; those it lacks are black.
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

/// Pixels stored as run lengths of 4 or 8 bits; what is skipped has the first colour.
private struct RunLengths {
  private let header: BMPHeader
  private let bytes: [UInt8]
  private var at: Int
  private var (x, y) = (0, 0)
  private var result: [UInt8]

  init(_ header: BMPHeader, _ bytes: [UInt8]) {
    (self.header, self.bytes, at) = (header, bytes, header.start)
    result = [UInt8](repeating: 0, count: header.width * header.height * 3)
    for pixel in 0..<header.width * header.height { header.put(0, into: &result, at: 3 * pixel) }
  }

  private mutating func next() throws(ImageError) -> Int {
    guard at < bytes.count else { throw header.damage("its pixels end too early") }
    at += 1
    return Int(bytes[at - 1])
  }

  private mutating func put(_ index: Int) {
    guard x < header.width, y < header.height else { return }
    header.put(index, into: &result, at: 3 * (y * header.width + x))
    x += 1
  }

  consuming func pixels() throws(ImageError) -> [UInt8] {
    while y < header.height {
      let (count, value) = (try next(), try next())
      switch (count, value) {
      case (0, 0): (x, y) = (0, y + 1)
      case (0, 1): return result
      case (0, 2): (x, y) = (x + (try next()), y + (try next()))
      case (0, _): try literal(value)
      default:
        for place in 0..<count {
          put(header.bits == 8 ? value : place % 2 == 0 ? value >> 4 : value & 15)
        }
      }
    }
    return result
  }

  /// So many pixels as they are, up to an even number of bytes.
  private mutating func literal(_ count: Int) throws(ImageError) {
    let length = header.bits == 8 ? count : (count + 1) / 2
    for place in 0..<length {
      let value = try next()
      if header.bits == 8 {
        put(value)
      } else {
        put(value >> 4)
        if 2 * place + 1 < count { put(value & 15) }
      }
    }
    if length % 2 == 1 { _ = try next() }
  }
}
