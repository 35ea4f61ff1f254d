import Foundation

/// Where the pixels of an image come from.
public enum ImageSource: Hashable, Sendable {
  /// A JPEG or PNG file.
  case file(URL)
  /// A scene that is rendered on demand.
  case scene(SyntheticScene)

  /// The pixels.
  ///
  /// - Throws: ``ImageError`` for a file that is missing, of another format, damaged or cut short.
  public func load() throws -> PixelBuffer {
    switch self {
    case .file(let url): try ImageFile.load(url)
    case .scene(let scene): SceneRenderer(scene).image()
    }
  }

  /// What tells the image from others: a file's bytes, a scene's numbers.
  ///
  /// - Throws: an error of reading the file.
  public func identity() throws -> Data {
    switch self {
    case .file(let url): try Data(contentsOf: url, options: .mappedIfSafe)
    case .scene(let scene): Data("scene \(scene.seed) \(scene.index) \(scene.size)".utf8)
    }
  }

  /// A file's location; a name like one for images that are in no file of their own.
  public var url: URL {
    switch self {
    case .file(let url): url
    case .scene(let scene):
      URL(filePath: "scene-\(scene.seed)-\(scene.index)-\(scene.size).png")
    }
  }
}
