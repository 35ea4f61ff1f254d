import Foundation

/// Pascal VOC folders: `Annotations/*.xml`, `JPEGImages/` or `images/`, `ImageSets/Main/*.txt`.
///
/// Pixel coordinates count from 1 in VOC; boxes are moved to count from 0, so that `xmin = 1` is the left edge.
public enum VOCFormat {
  /// Reads a split named by a file of `ImageSets/Main`, by default `val`, `test` or all images.
  ///
  /// - Throws: ``DatasetError``.
  public static func load(_ folder: URL, split: String? = nil) throws -> Dataset {
    let stems = try self.stems(folder, split: split)
    guard !stems.isEmpty else { throw DatasetError.noImages(folder.path) }
    var images: [Dataset.Image] = []
    var objects: [(image: Int, object: VOCObject)] = []
    for (index, stem) in stems.enumerated() {
      let file = folder.appending(path: "Annotations/\(stem).xml")
      guard let data = try? Data(contentsOf: file) else {
        throw DatasetError.unreadable(file: file.path)
      }
      let document = try VOCDocument(data, file: file.path)
      images.append(
        Dataset.Image(
          id: index + 1, file: imageFile(folder, stem: stem, name: document.fileName),
          width: document.width, height: document.height))
      objects += document.objects.map { (index, $0) }
    }
    let names = Set(objects.map(\.object.name)).sorted()
    let number = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0 + 1) })
    return Dataset(
      format: "Pascal VOC", source: folder,
      categories: names.enumerated().map { Dataset.Category(id: $0 + 1, name: $1) },
      images: images,
      annotations: objects.enumerated().map { index, entry in
        let o = entry.object
        return Dataset.Annotation(
          id: index + 1, image: entry.image, category: number[o.name] ?? 0, x: o.left - 1,
          y: o.top - 1, width: o.right - o.left, height: o.bottom - o.top,
          isDifficult: o.isDifficult)
      })
  }

  private static func stems(_ folder: URL, split: String?) throws -> [String] {
    let sets = folder.appending(path: "ImageSets/Main")
    for name in split.map({ [$0] }) ?? ["val", "test"] {
      let file = sets.appending(path: "\(name).txt")
      if let text = try? String(contentsOf: file, encoding: .utf8) {
        return text.split(whereSeparator: \.isNewline).compactMap {
          $0.split(separator: " ").first.map(String.init)
        }
      }
      if split != nil {
        throw DatasetError.malformed(
          file: file.path, place: "", reason: "there is no such split")
      }
    }
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: folder.appending(path: "Annotations").path)
    return (names ?? []).filter { $0.hasSuffix(".xml") }.map { String($0.dropLast(4)) }.sorted()
  }

  private static func imageFile(_ folder: URL, stem: String, name: String?) -> URL {
    let names = ImageFile.suffixes.map { "\(stem).\($0)" } + [name].compactMap { $0 }
    let candidates = ["JPEGImages", "images", "."].flatMap { sub in
      names.map { folder.appending(path: sub).appending(path: $0) }
    }
    return candidates.first { FileManager.default.fileExists(atPath: $0.path) } ?? candidates[0]
  }
}

private struct VOCObject {
  var name = ""
  var isDifficult = false
  var left = Double.nan
  var top = Double.nan
  var right = Double.nan
  var bottom = Double.nan
}

/// The parts of one annotation file that matter.
private struct VOCDocument {
  private(set) var fileName: String?
  private(set) var width: Int?
  private(set) var height: Int?
  private(set) var objects: [VOCObject] = []

  init(_ data: Data, file: String) throws {
    var scanner = XMLScanner([UInt8](data))
    do {
      try read(&scanner)
    } catch {
      throw DatasetError.malformed(
        file: file, place: "line \(scanner.line)", reason: "is not well-formed XML: \(error.reason)"
      )
    }
    for (index, object) in objects.enumerated() {
      let edges = [object.left, object.top, object.right, object.bottom]
      guard edges.allSatisfy(\.isFinite), !object.name.isEmpty else {
        throw DatasetError.malformed(
          file: file, place: "object \(index + 1)", reason: "lacks a name or an edge of its box")
      }
    }
  }

  private mutating func read(_ scanner: inout XMLScanner) throws(XMLScanner.Failure) {
    var path: [String] = []
    var text = ""
    while let event = try scanner.next() {
      switch event {
      case .start(let name):
        path.append(name)
        text = ""
        if path == ["annotation", "object"] { objects.append(VOCObject()) }
      case .text(let part): text += part
      case .end:
        set(
          path.dropFirst().joined(separator: "/"),
          text.trimmingCharacters(in: .whitespacesAndNewlines))
        text = ""
        path.removeLast()
      }
    }
  }

  private mutating func set(_ place: String, _ value: String) {
    switch place {
    case "filename": fileName = value
    case "size/width": width = Int(value)
    case "size/height": height = Int(value)
    case let field where field.hasPrefix("object/") && !objects.isEmpty:
      set(field.dropFirst("object/".count), value, of: &objects[objects.count - 1])
    default: break
    }
  }

  private func set(_ field: Substring, _ value: String, of object: inout VOCObject) {
    switch field {
    case "name": object.name = value
    case "difficult": object.isDifficult = value == "1" || value.lowercased() == "true"
    case "bndbox/xmin": object.left = Double(value) ?? .nan
    case "bndbox/ymin": object.top = Double(value) ?? .nan
    case "bndbox/xmax": object.right = Double(value) ?? .nan
    case "bndbox/ymax": object.bottom = Double(value) ?? .nan
    default: break
    }
  }
}
