import Foundation
import ObjectDetection
import Reports

extension ComparisonReport {
  /// Adds the images on which the first and the last model agree least, with the boxes of every
  /// model.
  public mutating func showDisagreements(_ dataset: Dataset?) throws {
    guard let dataset else { return }
    let images = Dictionary(
      dataset.images.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    disagreements = try Disagreement.worst(models, count: Self.pictures).compactMap { id in
      guard let image = images[id] else { return nil }
      let pixels = try image.source.load()
      return Disagreement(
        image: image.file.lastPathComponent, jpeg: try ImageFile.encode(pixels, as: "image.jpg"),
        width: pixels.width, height: pixels.height, boxes: models.map { $0.shown[id] ?? [] })
    }
  }

  /// The number of images that a report shows.
  private static let pictures = 3
}
