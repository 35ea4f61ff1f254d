import Compression
import Evidence
import Execution
import Foundation
import GraphIR
import ObjectDetection

/// The images that a network is looked at with, as options name them.
struct CalibrationChoice {
  /// The set at a path that was named; `nil` for none.
  let named: Dataset?
  /// The set to take where none was named; `nil` for seeded noise.
  let fallback: Dataset?
  let count: Int
  /// The images; `nil` for seeded noise.
  var dataset: Dataset? { named ?? fallback }

  /// How many images are drawn where there are none.
  static let drawnImages = 32
  private static let drawnSize = 480

  /// Images that are drawn, for a network that is looked at without any.
  static func drawn(_ count: Int = drawnImages, seed: UInt64) -> Dataset {
    .deadLeaves(count: count, seed: seed, size: drawnSize)
  }

  /// The images at a path, else those of a set.
  ///
  /// - Throws: `DatasetError`, ``CommandError`` when there are none at the path.
  init(path: String?, otherwise fallback: Dataset?, count: Int, common: CommonOptions) throws {
    named = try path.map { try DataSource(path: $0, looksAtImages: false).load(common) }
    (self.fallback, self.count) = (fallback, count)
    if let path, named?.images.isEmpty ?? true {
      throw CommandError(.noInput, "\(path): has no images to calibrate with")
    }
  }

  /// The images as a network takes them.
  func images(
    for graph: Graph, head: DetectionOptions, engine: Engine
  ) throws -> CalibrationImages {
    try CalibrationImages(
      graph, named ?? fallback, count: count, settings: head.settings(), engine: engine)
  }
}
