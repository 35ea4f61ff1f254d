import Foundation

/// JPEG and PNG files.
///
/// Pixels are what Pillow's `open(…).convert("RGB")` gives: EXIF orientation is not applied, since the labels of the
/// common data sets are drawn on the stored pixels; alpha and transparent colours are dropped; grey and CMYK become RGB.
/// One deviation: of 16-bit grey the upper 8 bits are kept, as OpenCV does, where Pillow clips everything above 255.
public enum ImageFile {
  /// The file name endings that count as images.
  public static let suffixes = ["jpg", "jpeg", "png"]

  /// The image files of a folder, by name.
  public static func files(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { name in
      !name.hasPrefix(".")
        && suffixes.contains(URL(filePath: name).pathExtension.lowercased())
    }.sorted().map { folder.appending(path: $0) }
  }

  /// The image files of a folder and the folders in it, by path.
  public static func allFiles(in folder: URL) -> [URL] {
    // The folder itself may be a link, which listing does not follow.
    let place = folder.resolvingSymlinksInPath().path
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: place)) ?? []
    return names.filter { name in
      suffixes.contains(URL(filePath: name).pathExtension.lowercased())
        && !name.split(separator: "/").contains { $0.hasPrefix(".") }
    }.sorted().map { folder.appending(path: $0) }
  }

  /// Decodes a file; the format is told from the content.
  ///
  /// - Throws: ``ImageError`` when the file is missing, of another format, damaged or cut short.
  public static func load(_ url: URL) throws -> PixelBuffer {
    guard let data = try? Data(contentsOf: url) else { throw ImageError.unreadable(url.path) }
    return try decode(data, file: url.path)
  }

  /// Decodes the bytes of a file.
  ///
  /// - Throws: ``ImageError``, naming `file`.
  public static func decode(_ data: Data, file: String) throws -> PixelBuffer {
    if data.starts(with: [0xff, 0xd8]) { return try JPEGCodec.decode(data, file: file) }
    if data.starts(with: [0x89, 0x50, 0x4e, 0x47]) { return try PNGCodec.decode(data, file: file) }
    throw ImageError.unknownFormat(file)
  }

  /// The extents of the image in a file, without decoding it.
  ///
  /// - Throws: ``ImageError``.
  public static func size(of url: URL) throws -> (width: Int, height: Int) {
    guard let data = try? Data(contentsOf: url, options: .mappedIfSafe) else {
      throw ImageError.unreadable(url.path)
    }
    if data.starts(with: [0xff, 0xd8]) { return try JPEGCodec.size(data, file: url.path) }
    guard data.starts(with: [0x89, 0x50, 0x4e, 0x47]) else {
      throw ImageError.unknownFormat(url.path)
    }
    return try PNGCodec.size(data, file: url.path)
  }

  /// Encodes an image as the ending of `name` says: `.jpg`, `.jpeg` at quality 92, else PNG.
  ///
  /// - Throws: ``ImageError``.
  public static func encode(_ image: PixelBuffer, as name: String) throws -> Data {
    ["jpg", "jpeg"].contains(URL(filePath: name).pathExtension.lowercased())
      ? try JPEGCodec.encode(image, quality: 92) : try PNGCodec.encode(image)
  }

  /// The most pixels an image may have, Pillow's limit; larger ones are taken for damage or attacks.
  static let pixelLimit = 178_956_970
}

/// Why an image cannot be decoded or encoded.
public enum ImageError: Error, Equatable, CustomStringConvertible {
  case unreadable(String)
  case unknownFormat(String)
  case damaged(file: String, reason: String)
  case encoding(String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .unreadable(let file): "\(file): does not exist or cannot be read"
    case .unknownFormat(let file): "\(file): is neither a JPEG nor a PNG image"
    case .damaged(let file, let reason): "\(file): is damaged or cut short (\(reason))"
    case .encoding(let reason): "the image cannot be encoded: \(reason)"
    }
  }
}
