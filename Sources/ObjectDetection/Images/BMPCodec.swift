import Foundation

/// BMP with every header since OS/2's: 1, 2, 4, 8, 16, 24 and 32 bits, palettes, bit fields and run
/// lengths.
///
/// Alpha is dropped.
///
/// The format is simple: rows of numbers behind a header. The reader of libjpeg-turbo is not used,
/// because it reads only 8 to 32 bits and the oldest headers, and no bytes in memory.
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
    case .runLengths: pixels = try BMPRunLengths(header, bytes).pixels()
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
