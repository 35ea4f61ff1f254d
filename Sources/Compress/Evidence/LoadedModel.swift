import Formats
import Foundation
import GraphIR

/// A model file in memory, with what identifies it.
struct LoadedModel {
  /// The file.
  var url: URL
  /// What it holds.
  var graph: Graph
  /// The bytes of the file.
  var fileBytes: Int
  /// The bytes of the file once deflated.
  var gzipBytes: Int { Digest.deflatedSize(data) }
  /// The SHA-256 digest of the file, in hexadecimal.
  var sha256: String { Digest.sha256Text(data) }
  private var data: Data

  /// Reads a model file.
  init(_ path: String) throws {
    url = URL(filePath: path)
    graph = try ModelFile.load(url)
    data = try Data(contentsOf: url, options: .mappedIfSafe)
    fileBytes = data.count
  }

  /// The file's name.
  var name: String { url.lastPathComponent }
}
