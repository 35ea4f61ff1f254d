import CPNG
import Foundation

/// PNG through libpng's simplified interface: every depth, palette, interlacing and transparency.
enum PNGCodec {
  static func decode(_ data: Data, file: String) throws -> PixelBuffer {
    var image = png_image()
    compress_png_image_init(&image)
    defer { png_image_free(&image) }
    // The reader keeps a pointer to the encoded bytes until it has finished.
    let rgba: [UInt8]? = data.withUnsafeBytes { bytes in
      guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0,
        Int(image.width) * Int(image.height) <= ImageFile.pixelLimit
      else { return nil }
      image.format = compress_png_format_rgba()
      image.flags |= compress_png_flag_16bit_srgb()
      var rgba = [UInt8](repeating: 0, count: Int(image.width) * Int(image.height) * 4)
      let status = png_image_finish_read(&image, nil, &rgba, 0, nil)
      return status != 0 && compress_png_failed(&image) == 0 ? rgba : nil
    }
    guard let rgba else { throw ImageError.damaged(file: file, reason: message(image)) }
    let count = rgba.count / 4
    var pixels = [UInt8](repeating: 0, count: count * 3)
    for index in 0..<count {
      pixels[index * 3] = rgba[index * 4]
      pixels[index * 3 + 1] = rgba[index * 4 + 1]
      pixels[index * 3 + 2] = rgba[index * 4 + 2]
    }
    return PixelBuffer(width: Int(image.width), height: Int(image.height), pixels: pixels)
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
