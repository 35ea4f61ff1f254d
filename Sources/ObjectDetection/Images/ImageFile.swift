import Foundation

/// Image files of every ``ImageFormat``, told by their content.
///
/// Pixels are what Pillow's `open(…).convert("RGB")` gives: EXIF orientation is not applied, since
/// the labels of the common data sets are drawn on the stored pixels; alpha and transparent colours
/// are dropped; grey and CMYK become RGB. One deviation: of 16-bit grey the upper 8 bits are kept,
/// as OpenCV does, where Pillow clips everything above 255.
public enum ImageFile {
  /// The file name endings of images that are read.
  public static let suffixes = ImageFormat.all.flatMap(\.suffixes)

  /// The file name endings of images that are written in the format they name.
  public static let writtenSuffixes = ["jpg", "jpeg", "png"]

  /// The formats that are read, as a list for people.
  public static let formats = ImageFormat.names

  /// The image files of a folder, by name.
  public static func files(in folder: URL) -> [URL] { ImageListing(folder).images }

  /// The image files of a folder and the folders in it, by path.
  public static func allFiles(in folder: URL) -> [URL] {
    ImageListing(folder, isDeep: true).images
  }

  /// Decodes a file; the format is told from the content.
  ///
  /// - Throws: ``ImageError`` when the file is missing, of another format, damaged or cut short.
  public static func load(_ url: URL) throws -> PixelBuffer {
    try decode(try bytes(of: url), file: url.path)
  }

  /// Decodes the bytes of a file.
  ///
  /// - Throws: ``ImageError``, naming `file`.
  public static func decode(_ data: Data, file: String) throws -> PixelBuffer {
    guard let format = ImageFormat.of(data) else { throw ImageError.unknownFormat(file) }
    return try format.decode(data, file)
  }

  /// The extents of the image in a file, without decoding it.
  ///
  /// - Throws: ``ImageError``.
  public static func size(of url: URL) throws -> (width: Int, height: Int) {
    let data = try bytes(of: url)
    guard let format = ImageFormat.of(data) else { throw ImageError.unknownFormat(url.path) }
    return try format.size(data, url.path)
  }

  /// The bytes of a file.
  ///
  /// - Throws: ``ImageError/missing(_:)``, ``ImageError/unreadable(_:)``.
  static func bytes(of url: URL) throws(ImageError) -> Data {
    do throws(DatasetError) {
      return try TextFile.bytes(of: url)
    } catch {
      if case .missing = error { throw .missing(url.path) }
      throw .unreadable(url.path)
    }
  }

  /// Encodes an image as the ending of `name` says: `.jpg`, `.jpeg` at quality 92, else PNG.
  ///
  /// - Throws: ``ImageError``.
  public static func encode(_ image: PixelBuffer, as name: String) throws -> Data {
    ["jpg", "jpeg"].contains(URL(filePath: name).pathExtension.lowercased())
      ? try JPEGCodec.encode(image, quality: 92) : try PNGCodec.encode(image)
  }

  /// The most pixels an image may have, Pillow's limit; larger ones are taken for damage or
  /// attacks.
  static let pixelLimit = 178_956_970
}

/// Why an image cannot be decoded or encoded.
public enum ImageError: Error, Equatable, CustomStringConvertible {
  case missing(String)
  case unreadable(String)
  case unknownFormat(String)
  case damaged(file: String, reason: String)
  case encoding(String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .missing(let file): "\(file): there is no such file"
    case .unreadable(let file): "\(file): cannot be read: the system refuses to"
    case .unknownFormat(let file): "\(file): is no \(ImageFormat.alternatives) image"
    case .damaged(let file, let reason): "\(file): is damaged or cut short (\(reason))"
    case .encoding(let reason): "the image cannot be encoded: \(reason)"
    }
  }
}
