import CPNG
import Foundation
import Tensors

/// PNG through libpng: every depth, palette, interlacing and transparency.
enum PNGCodec {
  static func decode(_ data: Data, file: String) throws -> PixelBuffer {
    let (width, height) = try size(data, file: file)
    let count = width * height * 3
    try ImageLimits.check(bytes: count, file: file)
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { target, written in
      var message = [CChar](repeating: 0, count: 128)
      let status = data.withUnsafeBytes { bytes in
        compress_png_decode(
          bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, target.baseAddress,
          png_uint_32(width), png_uint_32(height), &message)
      }
      guard status == 1 else {
        let reason = message.withUnsafeBufferPointer { text in
          String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        throw ImageError.damaged(file: file, reason: reason)
      }
      written = count
    }
    return PixelBuffer(width: width, height: height, pixels: pixels)
  }

  static func size(_ data: Data, file: String) throws -> (width: Int, height: Int) {
    func number(_ at: Int) -> Int {
      data[data.startIndex + at..<data.startIndex + at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    guard data.count >= 24, data.dropFirst(12).starts(with: Array("IHDR".utf8)) else {
      throw ImageError.damaged(file: file, reason: "it has no header")
    }
    let (width, height) = (number(16), number(20))
    guard width > 0, height > 0, [width, height].checkedProduct.clamped <= ImageFile.pixelLimit
    else {
      throw ImageError.damaged(file: file, reason: "it declares \(width) × \(height) pixels")
    }
    return (width, height)
  }

  static func encode(_ picture: PixelBuffer) throws -> Data {
    var image = png_image()
    compress_png_image_init(&image)
    defer { png_image_free(&image) }
    image.width = UInt32(picture.width)
    image.height = UInt32(picture.height)
    image.format = compress_png_format_rgb()
    var size = 0
    guard png_image_write_to_memory(&image, nil, &size, 0, picture.pixels, 0, nil) != 0 else {
      throw ImageError.encoding(message(image))
    }
    var bytes = [UInt8](repeating: 0, count: size)
    guard png_image_write_to_memory(&image, &bytes, &size, 0, picture.pixels, 0, nil) != 0 else {
      throw ImageError.encoding(message(image))
    }
    return Data(bytes.prefix(size))
  }

  private static func message(_ image: png_image) -> String {
    withUnsafeBytes(of: image.message) { bytes in
      let text = bytes.prefix { $0 != 0 }
      return text.isEmpty ? "unknown error" : String(decoding: text, as: UTF8.self)
    }
  }
}
