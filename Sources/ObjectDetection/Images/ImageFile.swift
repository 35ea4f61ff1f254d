import Foundation

/// Image files of every ``ImageFormat``, recognised by their content.
///
/// Pixels are what Pillow's `open(…).convert("RGB")` gives. EXIF orientation is not applied,
/// because the labels of the common data sets refer to the stored pixels. Alpha and transparent
/// colours are dropped. Grey and CMYK become RGB.
///
/// One thing differs: 16-bit grey keeps its upper 8 bits, as in OpenCV. Pillow clips everything
/// above 255.
public enum ImageFile {
  /// The file name suffixes of images that can be read.
  public static let suffixes = ImageFormat.all.flatMap(\.suffixes)

  /// The file name suffixes of images that can be written.
  public static let writtenSuffixes = ["jpg", "jpeg", "png"]

  /// The formats that are read, as a list for people.
  public static let formats = ImageFormat.names

  /// The image files of a folder, by name.
  public static func files(in folder: URL) -> [URL] { ImageListing(folder).images }

  /// The image files of a folder and the folders in it, by path.
  public static func allFiles(in folder: URL) -> [URL] {
    ImageListing(folder, isDeep: true).images
  }

  /// Decodes a file.
  ///
  /// The format is recognised by the content.
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

  /// Encodes an image by the suffix of `name`: `.jpg` and `.jpeg` as JPEG of quality 92, all others
  /// as PNG.
  ///
  /// - Throws: ``ImageError``.
  public static func encode(_ image: PixelBuffer, as name: String) throws -> Data {
    ["jpg", "jpeg"].contains(URL(filePath: name).pathExtension.lowercased())
      ? try JPEGCodec.encode(image, quality: 92) : try PNGCodec.encode(image)
  }

  /// The most pixels an image may have, which is Pillow's limit.
  ///
  /// Larger images are taken for damaged or hostile files.
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
