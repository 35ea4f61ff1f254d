import Foundation
import ObjectDetection
import TestSupport

/// The committed goldens of images and metrics.
enum DetectionGoldens {
  struct ImageCase: Decodable, Sendable, CustomStringConvertible {
    var name: String
    var width: Int
    var height: Int
    var file: Data
    var pixels: Data
    var description: String { name }
  }

  struct ResamplingCase: Decodable, Sendable {
    var width: Int
    var height: Int
    var pixels: Data
    var toWidth: Int
    var toHeight: Int
    var expected: Data
  }

  private struct Cases<Case: Decodable>: Decodable { var cases: [Case] }

  static func load<Case: Decodable>(_ name: String, _ type: Case.Type = Case.self) -> [Case] {
    let url = SharedAssets.package.appending(path: "Tests/Goldens/Detection/\(name).json")
    do {
      return try JSONDecoder().decode(Cases<Case>.self, from: Data(contentsOf: url)).cases
    } catch {
      fatalError("\(url.path): \(error)")
    }
  }

  static let images = load("images", ImageCase.self) + load("formats", ImageCase.self)
  static let resampling = load("resampling", ResamplingCase.self)
}
