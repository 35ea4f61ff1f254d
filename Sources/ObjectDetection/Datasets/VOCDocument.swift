import Foundation

/// One labelled object of an annotation file, as written.
struct VOCObject {
  var name = ""
  var isDifficult = false
  var left = Double.nan
  var top = Double.nan
  var right = Double.nan
  var bottom = Double.nan

  /// Whether it has a name and all edges.
  var isWhole: Bool { [left, top, right, bottom].allSatisfy(\.isFinite) && !name.isEmpty }

  /// Takes the value of an element inside of `<object>`.
  fileprivate mutating func set(_ field: String, _ value: String) {
    switch field {
    case "name": name = value
    case "difficult": isDifficult = value == "1" || value.lowercased() == "true"
    case "bndbox/xmin": left = Double(value) ?? .nan
    case "bndbox/ymin": top = Double(value) ?? .nan
    case "bndbox/xmax": right = Double(value) ?? .nan
    case "bndbox/ymax": bottom = Double(value) ?? .nan
    default: break
    }
  }
}

/// The parts of one annotation file that matter.
struct VOCDocument {
  private(set) var fileName: String?
  private(set) var width: Int?
  private(set) var height: Int?
  private(set) var objects: [VOCObject] = []

  /// Whether it says something of an image, as XML files of other kinds do not.
  var isOfImage: Bool { width != nil || !objects.isEmpty }

  /// Reads a file.
  ///
  /// - Throws: ``DatasetError``.
  init(_ url: URL) throws(DatasetError) {
    var scanner = XMLScanner(try XMLScanner.utf8(try TextFile.bytes(of: url), file: url.path))
    do throws(XMLScanner.Failure) {
      try read(&scanner)
    } catch {
      throw .malformed(
        file: url.path, place: "line \(scanner.line)",
        reason: "is not well-formed XML: \(error.reason)")
    }
    if let bad = objects.firstIndex(where: { !$0.isWhole }) {
      throw .malformed(
        file: url.path, place: "object \(bad + 1)", reason: "lacks a name or an edge of its box")
    }
  }

  private mutating func read(_ scanner: inout XMLScanner) throws(XMLScanner.Failure) {
    var path: [String] = []
    var text = ""
    // An object is added to the list only when it is complete, so that setting a field copies no
    // list.
    var object: VOCObject?
    while let event = try scanner.next() {
      switch event {
      case .start(let name):
        path.append(name)
        text = ""
        if path == ["annotation", "object"] { object = VOCObject() }
      case .text(let part): text += part
      case .end:
        let value = String(text.trimmed)
        if path.count > 2, path[1] == "object" {
          object?.set(path.dropFirst(2).joined(separator: "/"), value)
        } else if path.count == 2, let whole = object {
          objects.append(whole)
          object = nil
        } else {
          set(path.dropFirst().joined(separator: "/"), value)
        }
        text = ""
        path.removeLast()
      }
    }
  }

  private mutating func set(_ place: String, _ value: String) {
    switch place {
    case "filename": fileName = value
    case "size/width": width = Int(value).flatMap { $0 > 0 ? $0 : nil }
    case "size/height": height = Int(value).flatMap { $0 > 0 ? $0 : nil }
    default: break
    }
  }
}
