import Formats

/// Why a data set cannot be read.
public enum DatasetError: Error, Equatable, CustomStringConvertible {
  case missing(String)
  case unknownFormat(String)
  case unreadable(file: String, reason: String)
  case malformed(file: String, place: String, reason: String)
  case noImages(String)
  /// A file that a list or label names was not found in any of the places where it may be.
  case notFound(file: String, place: String, name: String, tried: String)
  /// Images of a labelled set cannot be read.
  case unreadableImages(set: String, count: Int, of: Int, first: String, areMissing: Bool)
  /// A folder has the labels of several parts of a set, and none is chosen.
  case severalParts(folder: String, parts: [String])
  /// There are images but no labels, which something needs.
  case unlabelled(String, use: String)
  /// A set has no class of a name.
  case noClass(set: String, name: String, classes: [String])

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .missing(let path): "\(path): there is no such file or folder"
    case .unknownFormat(let path):
      "\(path): is no data set: looked for annotations.json, labels.json, "
        + "_annotations.coco.json or annotations/instances_*.json (COCO), data.yaml (YOLO), Annotations/ or "
        + "XML files beside images (Pascal VOC), "
        + "and \(ImageFormat.names) images"
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
    case .malformed(let file, let place, let reason):
      place.isEmpty ? "\(file): \(reason)" : "\(file): \(place): \(reason)"
    case .noImages(let path): "\(path): names no image"
    case .notFound(let file, let place, let name, let tried):
      "\(file): \(place): there is no such file or folder as '\(name)'; looked for \(tried)"
    case .severalParts(let folder, let parts):
      "\(folder): there are several parts: \(parts.joined(separator: ", "))"
    case .noClass(let set, let name, let classes):
      "\(set): has no class '\(name)'; it has "
        + classes.prefix(20).joined(separator: ", ") + (classes.count > 20 ? ", …" : "")
    case .unlabelled(let path, let use): "\(path): has images but no labels to \(use)"
    case .unreadableImages(let set, let count, let all, let first, _):
      "\(set): \(count) of \(all) images cannot be read: \(first)\(count > 1 ? " …" : "")"
    }
  }
}

extension DatasetError: LocatedError {
  /// Always.
  public var isLocated: Bool { true }
}

extension ImageError: LocatedError {
  /// Always.
  public var isLocated: Bool { true }
}

extension HeadError: LocatedError {
  /// Whether it is about a file of settings.
  public var isLocated: Bool {
    switch self {
    case .settings, .absent: true
    default: false
    }
  }
}

extension InputError: LocatedError {
  /// Whether it is about a value that was given, not about the model.
  public var isLocated: Bool {
    switch self {
    case .noImage, .noMemory: false
    default: true
    }
  }
}
