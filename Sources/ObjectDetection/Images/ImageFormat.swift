import Foundation

/// A format of image files: how its bytes are recognised and read.
struct ImageFormat: Sendable {
  /// The name for people.
  let name: String
  /// The usual suffixes of its files.
  let suffixes: [String]
  /// Whether bytes, at least the first 32 of a file, are of this format.
  let fits: @Sendable (Data) -> Bool
  /// The extents of the image in a file, given its bytes and name; throws ``ImageError``.
  let size: @Sendable (Data, String) throws -> (width: Int, height: Int)
  /// The pixels of the image in a file; throws ``ImageError``.
  let decode: @Sendable (Data, String) throws -> PixelBuffer

  /// Every format that is read.
  static let all = [
    ImageFormat(
      name: "JPEG", suffixes: ["jpg", "jpeg"], fits: { $0.starts(with: [0xff, 0xd8]) },
      size: JPEGCodec.size, decode: JPEGCodec.decode),
    ImageFormat(
      name: "PNG", suffixes: ["png"], fits: { $0.starts(with: [0x89, 0x50, 0x4e, 0x47]) },
      size: PNGCodec.size, decode: PNGCodec.decode),
    ImageFormat(
      name: "BMP", suffixes: ["bmp"], fits: BMPCodec.fits, size: BMPCodec.size,
      decode: BMPCodec.decode),
    ImageFormat(
      name: "WebP", suffixes: ["webp"], fits: WebPCodec.fits, size: WebPCodec.size,
      decode: WebPCodec.decode),
  ]

  /// The formats that are read, as a list for people.
  static let names =
    all.dropLast().map(\.name).joined(separator: ", ") + " and \(all[all.count - 1].name)"

  /// The same to choose from.
  static let alternatives = names.replacing(" and ", with: " or ")

  /// The format of a file's first bytes; `nil` for one that is not read.
  static func of(_ bytes: Data) -> ImageFormat? { all.first { $0.fits(bytes) } }

  /// Suffixes of images in formats that are not read.
  static let foreignSuffixes = [
    "tif", "tiff", "gif", "heic", "heif", "avif", "jp2", "jxl", "ppm", "pgm", "pbm", "pnm", "pfm",
    "tga", "dng", "mpo", "psd", "exr", "hdr", "dcm",
  ]
}
