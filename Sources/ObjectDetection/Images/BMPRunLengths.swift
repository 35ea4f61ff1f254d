/// Pixels stored as run lengths of 4 or 8 bits.
///
/// Skipped pixels have the first colour.
struct BMPRunLengths {
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

  /// A run of `count` literal pixels, padded to an even number of bytes.
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
