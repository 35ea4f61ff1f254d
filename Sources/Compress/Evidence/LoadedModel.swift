import Formats
import Foundation
import GraphIR
import Layers

/// A model file in memory, with what identifies it.
struct LoadedModel {
  /// The path as the user gave it.
  var path: String
  /// The file.
  var url: URL
  /// What it holds.
  var graph: Graph
  /// Whether it is the embedded detector.
  var isEmbedded = false
  /// The bytes of the file, external data included.
  var fileBytes: Int { parts.reduce(0) { $0 + $1.count } }
  /// The bytes of the file once deflated, external data included.
  var gzipBytes: Int { parts.reduce(0) { $0 + Digest.deflatedSize($1) } }
  /// The SHA-256 digest of the file, external data appended, in hexadecimal.
  var sha256: String {
    parts.count == 1 ? Digest.sha256Text(data) : Digest.sha256Text(parts.reduce(Data(), +))
  }
  /// The bytes of the file.
  let data: Data
  /// The bytes of the files that hold external data, by location.
  let external: [Data]
  private var parts: [Data] { [data] + external }

  /// Reads a model file; the embedded detector when there is no path.
  init(_ path: String?) throws {
    guard let path else {
      self.path = EmbeddedDetector.name
      url = URL(filePath: EmbeddedDetector.name)
      data = EmbeddedDetector.data
      graph = try ONNXFormat.parse(data, file: EmbeddedDetector.name, folder: url)
      external = []
      isEmbedded = true
      return
    }
    self.path = path
    url = URL(filePath: path)
    graph = try ModelFile.load(url)
    data = try Data(contentsOf: url, options: .mappedIfSafe)
    let folder = url.deletingLastPathComponent()
    let isSplit = graph.initializers.values.contains { $0.encoding == .external }
    let locations = isSplit ? try ONNXFormat.externalLocations(in: data, file: path) : []
    external = try locations.map {
      try Data(contentsOf: folder.appending(path: $0), options: .mappedIfSafe)
    }
  }

  /// Checks that no weight is NaN or infinite; see `Graph.checkWeightsAreFinite`.
  ///
  /// - Throws: ``CommandError`` naming the file, the weight and the element.
  func checkWeights(excluding excluded: [NamePattern] = [], hint: String = "") throws {
    do {
      try graph.checkWeightsAreFinite(excluding: excluded)
    } catch let error as NotFinite {
      throw CommandError(.badData, "\(path): \(error)\(hint)")
    }
  }

  /// The file's name.
  var name: String { url.lastPathComponent }

  /// Whether the file is HDF5, going by its ending.
  var isHDF5: Bool { ["h5", "hdf5"].contains(url.pathExtension.lowercased()) }

  /// File names, with as many folders before them as tell them apart.
  static func distinctNames(_ paths: [String]) -> [String] {
    let parts = paths.map { URL(filePath: $0).standardizedFileURL.pathComponents }
    var names = parts.map { $0.last ?? "" }
    for depth in 2...max(2, parts.map(\.count).max() ?? 2) where Set(names).count < names.count {
      let counts = Dictionary(names.map { ($0, 1) }, uniquingKeysWith: +)
      for index in names.indices where (counts[names[index]] ?? 0) > 1 {
        names[index] = parts[index].suffix(depth).filter { $0 != "/" }.joined(separator: "/")
      }
    }
    var seen: [String: Int] = [:]
    return names.map { name in
      seen[name, default: 0] += 1
      let count = seen[name] ?? 1
      return count == 1 ? name : "\(name) #\(count)"
    }
  }
}
