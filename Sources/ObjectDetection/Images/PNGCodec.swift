import CPNG
import Foundation

/// PNG through libpng: every depth, palette, interlacing and transparency.
enum PNGCodec {
  static func decode(_ data: Data, file: String) throws -> PixelBuffer {
    var (width, height): (png_uint_32, png_uint_32) = (0, 0)
    var decoded: UnsafeMutablePointer<UInt8>?
    var message = [CChar](repeating: 0, count: 128)
    defer { free(decoded) }
    let status = data.withUnsafeBytes { bytes in
      compress_png_decode(
        bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, ImageFile.pixelLimit, &decoded,
        &width, &height, &message)
    }
    guard status == 1, let decoded else {
      let reason = message.withUnsafeBufferPointer { text in
        String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      }
      throw ImageError.damaged(file: file, reason: reason)
    }
    return PixelBuffer(
      width: Int(width), height: Int(height),
      pixels: Array(UnsafeBufferPointer(start: decoded, count: Int(width) * Int(height) * 3)))
  }

  static func size(_ data: Data, file: String) throws -> (width: Int, height: Int) {
    func number(_ at: Int) -> Int {
      data[data.startIndex + at..<data.startIndex + at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    guard data.count >= 24, data.dropFirst(12).starts(with: Array("IHDR".utf8)) else {
      throw ImageError.damaged(file: file, reason: "it has no header")
    }
    let (width, height) = (number(16), number(20))
    guard width > 0, height > 0, width * height <= ImageFile.pixelLimit else {
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
