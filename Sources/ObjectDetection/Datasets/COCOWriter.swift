import Formats
import Foundation

extension COCOFormat {
  /// Writes a data set as a COCO folder: first `images/`, then `annotations.json`.
  ///
  /// Images keep their bytes and names; scenes become PNG files.
  ///
  /// - Throws: ``ImageError`` for an image that cannot be read, `FormatError`.
  public static func save(
    _ dataset: Dataset, to folder: URL, progress: (Int) -> Void = { _ in }
  ) throws {
    let images = folder.appending(path: "images")
    try OutputFolder.make(images)
    for (index, image) in dataset.images.enumerated() {
      try AtomicFile.write(
        try image.source.encoded(), to: images.appending(path: image.file.lastPathComponent))
      progress(index + 1)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    try AtomicFile.write(
      try encoder.encode(try Document(dataset)), to: folder.appending(path: "annotations.json"))
  }

  private struct Document: Encodable {
    struct Image: Encodable {
      var id: Int
      var fileName: String
      var width: Int
      var height: Int
    }

    struct Annotation: Encodable {
      var id: Int
      var imageId: Int
      var categoryId: Int
      var bbox: [Double]
      var area: Double
      var iscrowd: Int
    }

    var images: [Image]
    var annotations: [Annotation]
    var categories: [Dataset.Category]

    init(_ dataset: Dataset) throws {
      images = try dataset.images.map { image in
        var (width, height) = (image.width ?? 0, image.height ?? 0)
        if width == 0 || height == 0 {
          let pixels = try image.source.load()
          (width, height) = (pixels.width, pixels.height)
        }
        return Image(
          id: image.id, fileName: image.file.lastPathComponent, width: width, height: height)
      }
      annotations = dataset.annotations.enumerated().map { index, label in
        Annotation(
          id: label.id > 0 ? label.id : index + 1, imageId: dataset.images[label.image].id,
          categoryId: label.category, bbox: [label.x, label.y, label.width, label.height],
          area: label.area, iscrowd: label.isCrowd ? 1 : 0)
      }
      categories = dataset.categories
    }
  }
}
