import Foundation

/// Where the pixels of an image come from.
public enum ImageSource: Hashable, Sendable {
  /// An image file.
  case file(URL)
  /// The bytes of an image file in a pack.
  case encoded(EncodedImage)
  /// A scene that is rendered on demand.
  case scene(SyntheticScene)
  /// A dead-leaves image that is drawn on demand.
  case leaves(DeadLeavesImage)

  /// The pixels.
  ///
  /// - Throws: ``ImageError`` for a file that is missing, of another format, damaged or cut short.
  public func load() throws -> PixelBuffer {
    switch self {
    case .file(let url): try ImageFile.load(url)
    case .encoded(let image): try ImageFile.decode(image.data, file: image.name)
    case .scene(let scene): SceneRenderer(scene).image()
    case .leaves(let leaves): leaves.image()
    }
  }

  /// The bytes of the image's file; a scene becomes a PNG file.
  ///
  /// - Throws: ``ImageError``.
  public func encoded() throws -> Data {
    switch self {
    case .file(let url):
      return try ImageFile.bytes(of: url)
    case .encoded(let image): return image.data
    case .scene, .leaves: return try ImageFile.encode(try load(), as: "scene.png")
    }
  }

  /// What identifies the image: a file's bytes, or a scene's numbers.
  ///
  /// - Throws: ``ImageError``.
  public func identity() throws -> Data {
    switch self {
    case .scene(let scene): Data("scene \(scene.seed) \(scene.index) \(scene.size)".utf8)
    case .leaves(let leaves): Data("leaves \(leaves.seed) \(leaves.index) \(leaves.size)".utf8)
    default: try encoded()
    }
  }

  /// The location of the file; a made-up name for images that are not in a file of their own.
  public var url: URL {
    switch self {
    case .file(let url): url
    case .encoded(let image): URL(filePath: image.name)
    case .scene(let scene):
      URL(filePath: String(format: "scene-%llu-%06d.png", scene.seed, scene.index))
    case .leaves(let leaves):
      URL(filePath: String(format: "leaves-%llu-%06d.png", leaves.seed, leaves.index))
    }
  }
}
