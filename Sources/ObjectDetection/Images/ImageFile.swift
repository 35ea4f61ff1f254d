import Foundation

/// JPEG and PNG files.
///
/// Pixels are what Pillow's `open(…).convert("RGB")` gives: EXIF orientation is not applied, since the labels of the
/// common data sets are drawn on the stored pixels; alpha is dropped; grey and CMYK become RGB.
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
    guard data.starts(with: [0x89, 0x50, 0x4e, 0x47]), data.count >= 24 else {
      throw ImageError.unknownFormat(url.path)
    }
    func number(_ at: Int) -> Int {
      data[data.startIndex + at..<data.startIndex + at + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    return (number(16), number(20))
  }

  /// Encodes an image as the ending of `name` says: `.jpg`, `.jpeg` at quality 92, else PNG.
  ///
  /// - Throws: ``ImageError``.
  public static func encode(_ image: PixelBuffer, as name: String) throws -> Data {
    ["jpg", "jpeg"].contains(URL(filePath: name).pathExtension.lowercased())
      ? try JPEGCodec.encode(image, quality: 92) : try PNGCodec.encode(image)
  }

  /// The most pixels an image may have; larger ones are taken for damage or attacks.
  static let pixelLimit = 1 << 28
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
    case .unreadable(let file): "\(file): cannot be read"
    case .unknownFormat(let file): "\(file): is neither a JPEG nor a PNG image"
    case .damaged(let file, let reason): "\(file): is damaged or cut short (\(reason))"
    case .encoding(let reason): "the image cannot be encoded: \(reason)"
    }
  }
}
