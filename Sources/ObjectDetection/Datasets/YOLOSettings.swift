import Foundation
import Yams

/// What a YOLO `data.yaml` says: class names, and where the images of each split are.
///
/// The file is kept as a tree of nodes in which aliases stay shared, so nested aliases cannot fill
/// the memory.
struct YOLOSettings {
  private let root: Node.Mapping
  private let url: URL

  init(_ url: URL) throws {
    self.url = url
    let text = try TextFile(url).text
    do {
      guard let mapping = try YAMLText.compose(text)?.mapping else {
        throw DatasetError.malformed(
          file: url.path, place: "", reason: "is no data set: expected names: and train: or val:")
      }
      root = mapping
    } catch let error as YamlError {
      throw DatasetError.malformed(
        file: url.path, place: "", reason: "is not YAML: \(error)".replacing("\n", with: " "))
    }
  }

  private func bad(_ key: String, _ reason: String, _ node: Node? = nil) -> DatasetError {
    .malformed(file: url.path, place: place(key, node), reason: reason)
  }

  private func place(_ key: String, _ node: Node? = nil) -> String {
    (node ?? root[key])?.mark.map { "line \($0.line): \(key)" } ?? key
  }

  /// The classes in order, from a list, a map of numbers to names, a file of names, or only their
  /// number.
  ///
  /// - Throws: ``DatasetError``, also when `nc` is not the number of names, as Ultralytics has it.
  func classNames() throws -> [String] {
    let count = root["nc"]?.int
    guard let names = try listedNames() else {
      if let count, count > 0, count < 100_000 { return (0..<count).map { "class\($0)" } }
      throw bad("names", "there are no class names")
    }
    if let count, count != names.count {
      throw bad("nc", "is \(count), but there are \(names.count) names")
    }
    return names
  }

  private func listedNames() throws -> [String]? {
    if let list = root["names"]?.sequence {
      return try list.map { node in
        guard let name = node.string else { throw bad("names", "a class name is no text", node) }
        return name
      }
    }
    if let map = root["names"]?.mapping {
      var names = [String?](repeating: nil, count: map.count)
      for (key, value) in map {
        guard let index = key.int ?? key.string.flatMap({ Int($0) }), names.indices.contains(index),
          let name = value.string
        else {
          throw bad("names", "the classes are not numbered from 0 without gaps", key)
        }
        names[index] = name
      }
      return names.compactMap { $0 }
    }
    guard let file = root["names"]?.string, !file.isEmpty else { return nil }
    let resolver = PathResolver(roots)
    guard let found = resolver.find(file) else {
      throw DatasetError.notFound(
        file: url.path, place: place("names"), name: file, tried: resolver.tried(file))
    }
    return try TextFile(found.url).lines.map { String($0.text) }
  }

  /// How many numbers of key points follow a box; `nil` without `kpt_shape`.
  func keypoints() throws -> Int? {
    guard let node = root["kpt_shape"], !node.isEmpty else { return nil }
    let shape = node.sequence.map { $0.compactMap(\.int) } ?? []
    guard shape.count == 2, shape.count == node.sequence?.count, (1...10_000).contains(shape[0]),
      (2...3).contains(shape[1])
    else { throw bad("kpt_shape", "expected [points, 2] or [points, 3]", node) }
    return shape[0] * shape[1]
  }

  /// The images of a split.
  struct Part {
    /// The files, with an error for those that were not found.
    var files: [(url: URL, missing: DatasetError?)] = []
    /// Whether the split consists of whole folders of images.
    var isOfFolders = true
  }

  /// The images of a split, by default `val`, `test` or `train`.
  func images(_ reading: DatasetReading, _ remarks: inout DatasetRemarks) throws -> Part {
    let known = ["val", "test", "train"].filter { root[$0].map { !$0.isEmpty } ?? false }
    guard let chosen = reading.split ?? known.first else {
      throw bad("", "names none of train, val, test")
    }
    guard let entry = root[chosen], !entry.isEmpty else {
      throw bad(chosen, "there is no such split; there are \(known.joined(separator: ", "))")
    }
    var part = Part()
    let resolver = PathResolver(roots)
    for node in entry.sequence.map(Array.init) ?? [entry] {
      guard let path = node.string, !path.isEmpty else {
        throw bad(chosen, "expected a folder, a .txt file of paths, or a list of these", node)
      }
      guard let found = resolver.find(path) else {
        throw DatasetError.notFound(
          file: url.path, place: place(chosen, node), name: path, tried: resolver.tried(path))
      }
      if found.isShortened {
        remarks.note(
          "paths were found without the folders that they begin with",
          "'\(path)' is \(found.url.path)")
      }
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: found.url.path, isDirectory: &isFolder)
      if isFolder.boolValue {
        part.files += ImageListing(found.url, isDeep: true).all.map { ($0, nil) }
      } else if found.url.pathExtension.lowercased() == "txt" {
        part.files += try listed(found.url, reading, &remarks)
        part.isOfFolders = false
      } else {
        part.files.append((found.url, nil))
        part.isOfFolders = false
      }
    }
    return part
  }

  /// Folders that paths in the file may be relative to: `path`, the file's folder, its parent, the
  /// current folder.
  private var roots: [URL] {
    let folder = url.deletingLastPathComponent()
    let current = URL(filePath: FileManager.default.currentDirectoryPath)
    guard let base = root["path"]?.string, !base.isEmpty else {
      return [folder, folder.deletingLastPathComponent(), current]
    }
    let resolved = PathResolver([folder, folder.deletingLastPathComponent(), current])
    let found = resolved.find(base).map { [$0.url] } ?? []
    return found + [folder, folder.deletingLastPathComponent(), current]
  }

  /// The images that a list names.
  ///
  /// Names may be relative to the list's folder, its parent, the folders of the settings, or the
  /// current folder.
  private func listed(
    _ list: URL, _ reading: DatasetReading, _ remarks: inout DatasetRemarks
  ) throws -> [(url: URL, missing: DatasetError?)] {
    let folder = list.deletingLastPathComponent()
    let resolver = PathResolver(
      (reading.imageFolder.map { [$0] } ?? []) + [folder, folder.deletingLastPathComponent()]
        + roots)
    var files: [(url: URL, missing: DatasetError?)] = []
    for line in try TextFile(list).lines {
      let name = String(line.text)
      // Finder writes such a file beside each file on foreign disks.
      if name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last?.hasPrefix("._") ?? false {
        continue
      }
      guard let found = resolver.find(name) else {
        let missing = DatasetError.notFound(
          file: list.path, place: "line \(line.number)", name: name, tried: resolver.tried(name))
        files.append((resolver.expected(name), missing))
        continue
      }
      if found.isShortened {
        remarks.note(
          "images were found without the folders that they are listed with",
          "\(list.path) line \(line.number), '\(name)' is \(found.url.path)")
      }
      files.append((found.url, nil))
    }
    return files
  }
}

extension Node {
  /// Whether the value is empty: `key:` without a value.
  fileprivate var isEmpty: Bool { null != nil || string?.isEmpty == true }
}
