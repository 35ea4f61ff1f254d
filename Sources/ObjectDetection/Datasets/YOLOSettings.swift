import Foundation
import Yams

/// What a YOLO `data.yaml` says: class names, and where the images of each split are.
///
/// The file is kept as a tree of nodes, in which aliases stay shared, so that nested aliases cannot fill the memory.
struct YOLOSettings {
  private let root: Node.Mapping
  private let url: URL

  init(_ url: URL) throws {
    self.url = url
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw DatasetError.unreadable(file: url.path)
    }
    do {
      guard let mapping = try Yams.compose(yaml: text)?.mapping else {
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
    let line = (node ?? root[key])?.mark.map { "line \($0.line): \(key)" }
    return .malformed(file: url.path, place: line ?? key, reason: reason)
  }

  /// The classes in order, from a list, a map of numbers to names, or their mere count.
  func classNames() throws -> [String] {
    if let list = root["names"]?.sequence {
      return try list.map { node in
        guard let name = node.string else { throw bad("names", "a class name is no text", node) }
        return name
      }
    }
    if let map = root["names"]?.mapping {
      var names = [String?](repeating: nil, count: map.count)
      for (key, value) in map {
        guard let index = key.int, names.indices.contains(index), let name = value.string else {
          throw bad("names", "the classes are not numbered from 0 without gaps", key)
        }
        names[index] = name
      }
      return names.compactMap { $0 }
    }
    if let count = root["nc"]?.int, count > 0, count < 100_000 {
      return (0..<count).map { "class\($0)" }
    }
    throw bad("names", "there are no class names")
  }

  /// The images of a split, by default `val`, `test` or `train`.
  func imageFiles(_ split: String?) throws -> [URL] {
    let known = ["val", "test", "train"].filter { root[$0].map { !$0.isEmpty } ?? false }
    guard let chosen = split ?? known.first else {
      throw bad("", "names none of train, val, test")
    }
    guard let entry = root[chosen], !entry.isEmpty else {
      throw bad(chosen, "there is no such split; there are \(known.joined(separator: ", "))")
    }
    let nodes = entry.sequence.map(Array.init) ?? [entry]
    return try nodes.flatMap { node in
      guard let path = node.string, !path.isEmpty else {
        throw bad(chosen, "expected a folder, a .txt file of paths, or a list of these", node)
      }
      return try files(path, node)
    }
  }

  private func files(_ entry: String, _ node: Node) throws -> [URL] {
    let folder = url.deletingLastPathComponent()
    let base = URL(filePath: root["path"]?.string ?? ".", relativeTo: folder)
    // Exports of labelling services write '../valid/images' for a folder beside the file.
    let inner = entry.hasPrefix("../") ? String(entry.dropFirst(3)) : entry
    let candidates = [
      URL(filePath: entry, relativeTo: base), URL(filePath: entry, relativeTo: folder),
      URL(filePath: inner, relativeTo: folder),
    ].map(\.standardizedFileURL)
    guard
      let found = candidates.first(where: { FileManager.default.fileExists(atPath: $0.path) })
    else {
      throw bad(entry, "there is no such file or folder, looked for \(candidates[0].path)", node)
    }
    switch found.pathExtension.lowercased() {
    case "txt": return try listed(found)
    case let suffix where ImageFile.suffixes.contains(suffix): return [found]
    default: return ImageFile.allFiles(in: found)
    }
  }

  private func listed(_ list: URL) throws -> [URL] {
    guard let text = try? String(contentsOf: list, encoding: .utf8) else {
      throw DatasetError.unreadable(file: list.path)
    }
    return text.split(whereSeparator: \.isNewline).map {
      $0.trimmingCharacters(in: .whitespaces)
    }.filter { !$0.isEmpty }.map {
      URL(filePath: $0, relativeTo: list.deletingLastPathComponent()).standardizedFileURL
    }
  }
}

extension Node {
  /// Whether there is nothing: `key:` without a value.
  fileprivate var isEmpty: Bool { null != nil || string?.isEmpty == true }
}
