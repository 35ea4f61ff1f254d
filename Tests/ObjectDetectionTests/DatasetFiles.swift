import Foundation
import ObjectDetection
import TestSupport

/// A folder with files written for a test.
struct DatasetFiles {
  let folder: TemporaryFolder
  var url: URL { folder.url }

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  func write(_ path: String, _ text: String) throws -> URL { try write(path, Data(text.utf8)) }

  @discardableResult
  func write(_ path: String, _ data: Data) throws -> URL {
    let target = url.appending(path: path)
    try FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try data.write(to: target)
    return target
  }

  /// An image file of the given extents.
  @discardableResult
  func image(_ path: String, width: Int = 40, height: Int = 20) throws -> URL {
    let pixels = PixelBuffer(
      width: width, height: height, pixels: [UInt8](repeating: 50, count: width * height * 3))
    return try write(path, ImageFile.encode(pixels, as: path))
  }
}

extension Dataset {
  /// Each label as text: image file, class name, edges rounded to a hundredth.
  var labels: [String] {
    let names = Dictionary(categories.map { ($0.id, $0.name) }, uniquingKeysWith: { a, _ in a })
    return annotations.map { label in
      let edges = [label.x, label.y, label.width, label.height].map {
        "\(($0 * 100).rounded() / 100 + 0)"
      }
      let file = images[label.image].file.lastPathComponent
      return "\(file) \(names[label.category] ?? "?") \(edges.joined(separator: " "))"
    }
  }
}
