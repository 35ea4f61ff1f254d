import CWebP
import Foundation

/// WebP through libwebp, lossy and lossless.
///
/// Alpha is dropped; animations are errors.
enum WebPCodec {
  static func fits(_ bytes: Data) -> Bool {
    bytes.starts(with: Array("RIFF".utf8)) && bytes.dropFirst(8).starts(with: Array("WEBP".utf8))
  }

  /// The most bytes that decoding may take.
  private static let byteLimit = 900_000_000

  static func size(
    _ data: Data, file: String
  ) throws(ImageError) -> (width: Int, height: Int) {
    var features = WebPBitstreamFeatures()
    let status = data.withUnsafeBytes { bytes in
      WebPGetFeatures(
        bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, &features)
    }
    guard status == VP8_STATUS_OK else {
      throw .damaged(file: file, reason: "its header cannot be read (libwebp's \(status.rawValue))")
    }
    guard features.has_animation == 0 else {
      throw .damaged(file: file, reason: "it is an animation, of which no frame is read")
    }
    let (width, height) = (Int(features.width), Int(features.height))
    guard width > 0, height > 0, width * height <= ImageFile.pixelLimit else {
      throw .damaged(file: file, reason: "it declares \(width) × \(height) pixels")
    }
    return (width, height)
  }

  static func decode(_ data: Data, file: String) throws(ImageError) -> PixelBuffer {
    let size = try size(data, file: file)
    let declared = data.dropFirst(4).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard declared + 8 <= data.count else {
      throw .damaged(file: file, reason: "the file ends too early")
    }
    let count = size.width * size.height * 3
    // Lossless images are decoded to four bytes a pixel first.
    guard size.width * size.height * 7 <= byteLimit else {
      throw .damaged(
        file: file, reason: "it declares \(size.width) × \(size.height) pixels, too many to decode")
    }
    var isWhole = false
    let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
      isWhole = data.withUnsafeBytes { bytes in
        WebPDecodeRGBInto(
          bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, target.baseAddress, count,
          Int32(size.width * 3)) != nil
      }
      filled = isWhole ? count : 0
    }
    guard isWhole else { throw .damaged(file: file, reason: "its pixels cannot be decoded") }
    return PixelBuffer(width: size.width, height: size.height, pixels: pixels)
  }
}
