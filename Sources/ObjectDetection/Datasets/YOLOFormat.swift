import Foundation
import Yams

/// YOLO's `data.yaml` with one text file of labels an image.
///
/// A label line is `class x y width height`, all but the class relative to the image, x and y the centre. Polygons
/// (more numbers) are turned into the box around them.
public enum YOLOFormat {
  /// Reads the split `val` (or `test`, or `train`, whichever comes first) of a data set, or the one named.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ url: URL, split: String? = nil) throws -> Dataset {
    func bad(_ place: String, _ reason: String) -> DatasetError {
      .malformed(file: url.path, place: place, reason: reason)
    }
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw DatasetError.unreadable(file: url.path)
    }
    let root: [String: Any]
    do {
      root = try Yams.load(yaml: text) as? [String: Any] ?? [:]
    } catch {
      throw bad("", "is not YAML: \(error)")
    }
    let names = try classNames(root, bad)
    let chosen =
      try split ?? ["val", "test", "train"].first { root[$0] != nil }
      ?? { throw bad("", "names none of train, val, test") }()
    guard let entry = root[chosen] else { throw bad(chosen, "there is no such split") }
    let base = URL(
      filePath: root["path"] as? String ?? ".", relativeTo: url.deletingLastPathComponent())
    let folders = (entry as? [String]) ?? [(entry as? String) ?? ""]
    var files: [URL] = []
    for folder in folders {
      files += try imageFiles(folder, base: base, yaml: url.deletingLastPathComponent(), bad)
    }
    guard !files.isEmpty else { throw DatasetError.noImages(url.path) }
    var images: [Dataset.Image] = []
    var annotations: [Dataset.Annotation] = []
    for (index, file) in files.enumerated() {
      let label = labelFile(of: file)
      let exists = FileManager.default.fileExists(atPath: label.path)
      let size = exists ? try ImageFile.size(of: file) : nil
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
    return Dataset(
      format: "YOLO", source: url,
      categories: names.enumerated().map { Dataset.Category(id: $0, name: $1) }, images: images,
      annotations: annotations)
  }

  private static func classNames(
    _ root: [String: Any], _ bad: (String, String) -> DatasetError
  ) throws -> [String] {
    if let list = root["names"] as? [Any] { return list.map { "\($0)" } }
    if let map = root["names"] as? [AnyHashable: Any] {
      let pairs = map.compactMap { key, value in
        (key.base as? Int ?? Int("\(key.base)")).map { ($0, "\(value)") }
      }
      guard pairs.count == map.count, Set(pairs.map(\.0)) == Set(0..<pairs.count) else {
        throw bad("names", "the classes are not numbered from 0 without gaps")
      }
      return pairs.sorted { $0.0 < $1.0 }.map(\.1)
    }
    if let count = root["nc"] as? Int, count > 0, count < 100_000 {
      return (0..<count).map { "class\($0)" }
    }
    throw bad("names", "there are no class names")
  }

  private static func imageFiles(
    _ entry: String, base: URL, yaml: URL, _ bad: (String, String) -> DatasetError
  ) throws -> [URL] {
    let candidates = [
      URL(filePath: entry, relativeTo: base), URL(filePath: entry, relativeTo: yaml),
    ].map(\.standardizedFileURL)
    guard
      let url = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) })
    else { throw bad(entry, "there is no such file or folder") }
    guard url.pathExtension == "txt" else { return ImageFile.files(in: url) }
    let lines = (try? String(contentsOf: url, encoding: .utf8))?.split(whereSeparator: \.isNewline)
    return (lines ?? []).map {
      URL(filePath: String($0), relativeTo: url.deletingLastPathComponent()).standardizedFileURL
    }
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
