import Foundation

/// YOLO's `data.yaml` with one text file of labels an image.
///
/// A label line is `class x y width height`, all but the class relative to the image, x and y the centre. Polygons
/// (more numbers) are turned into the box around them. Images without a label file show no object.
public enum YOLOFormat {
  /// Reads the split `val` (or `test`, or `train`, whichever comes first) of a data set, or the one named.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ url: URL, split: String? = nil) throws -> Dataset {
    let settings = try YOLOSettings(url)
    let names = try settings.classNames()
    let files = try settings.imageFiles(split)
    guard !files.isEmpty else { throw DatasetError.noImages(url.path) }
    var images: [Dataset.Image] = []
    var annotations: [Dataset.Annotation] = []
    var labelFiles = 0
    var unreadable = 0
    for (index, file) in files.enumerated() {
      let label = labelFile(of: file)
      let exists = FileManager.default.fileExists(atPath: label.path)
      labelFiles += exists ? 1 : 0
      let size = exists ? try? ImageFile.size(of: file) : nil
      unreadable += exists && size == nil ? 1 : 0
      images.append(
        Dataset.Image(
          id: Int(file.deletingPathExtension().lastPathComponent) ?? index + 1, file: file,
          width: size?.width, height: size?.height))
      if let size {
        annotations += try labels(
          label, image: index, size: size, classes: names.count, annotations.count)
      }
    }
    if Set(images.map(\.id)).count != images.count {
      for index in images.indices { images[index].id = index + 1 }
    }
    var remarks: [String] = []
    if labelFiles == 0 {
      remarks.append(
        "\(url.path): none of \(files.count) images has labels; looked for \(labelFile(of: files[0]).path)"
      )
    }
    if unreadable > 0 {
      remarks.append(
        "\(url.path): the labels of \(unreadable) images that cannot be read are passed over")
    }
    return Dataset(
      format: "YOLO", source: url,
      categories: names.enumerated().map { Dataset.Category(id: $0, name: $1) }, images: images,
      annotations: annotations, remarks: remarks)
  }

  private static func labelFile(of image: URL) -> URL {
    let stem = image.deletingPathExtension().lastPathComponent + ".txt"
    var parts = image.deletingLastPathComponent().pathComponents
    if let place = parts.lastIndex(of: "images") {
      parts[place] = "labels"
      let swapped = URL(filePath: NSString.path(withComponents: parts)).appending(path: stem)
      if FileManager.default.fileExists(atPath: swapped.path) { return swapped }
    }
    return image.deletingLastPathComponent().appending(path: stem)
  }

  private static func labels(
    _ url: URL, image: Int, size: (width: Int, height: Int), classes: Int, _ firstID: Int
  ) throws -> [Dataset.Annotation] {
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw DatasetError.unreadable(file: url.path)
    }
    var result: [Dataset.Annotation] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let fields = line.split(whereSeparator: \.isWhitespace)
      if fields.isEmpty { continue }
      let values = fields.compactMap { Double($0) }.filter(\.isFinite)
      guard values.count == fields.count, values.count >= 5, values.count % 2 == 1,
        let label = Int(exactly: values[0]), (0..<classes).contains(label)
      else {
        throw DatasetError.malformed(
          file: url.path, place: "line \(number + 1)",
          reason: "expected 'class x y width height' with a class below \(classes), found '\(line)'"
        )
      }
      guard values.dropFirst().allSatisfy({ (-0.01...1.01).contains($0) }) else {
        throw DatasetError.malformed(
          file: url.path, place: "line \(number + 1)",
          reason: "expected coordinates relative to the image, between 0 and 1, found '\(line)'")
      }
      var (x, y, w, h) = (values[1], values[2], values[3], values[4])
      if values.count > 5 {
        let xs = stride(from: 1, to: values.count, by: 2).map { values[$0] }
        let ys = stride(from: 2, to: values.count, by: 2).map { values[$0] }
        (w, h) = ((xs.max() ?? 0) - (xs.min() ?? 0), (ys.max() ?? 0) - (ys.min() ?? 0))
        (x, y) = ((xs.min() ?? 0) + w / 2, (ys.min() ?? 0) + h / 2)
      }
      let (width, height) = (Double(size.width), Double(size.height))
      result.append(
        Dataset.Annotation(
          id: firstID + result.count + 1, image: image, category: label, x: (x - w / 2) * width,
          y: (y - h / 2) * height, width: w * width, height: h * height))
    }
    return result
  }
}
