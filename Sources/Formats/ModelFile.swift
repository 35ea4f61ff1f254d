import Foundation
import GraphIR

/// Model files of every known format.
public enum ModelFile {
  /// The endings of file names that say which format to write.
  public static let endings = ["onnx", "h5", "hdf5"]

  /// Reads a model; the format is told from the content, not from the name.
  ///
  /// - Throws: ``FormatError``.
  public static func load(_ url: URL) throws -> Graph {
    let data = try read(url)
    if HDF5Format.isHDF5(data) { return try HDF5Format.load(url) }
    return try ONNXFormat.parse(data, file: url.path, folder: url.deletingLastPathComponent())
  }

  /// Writes a model; `.h5` and `.hdf5` make HDF5, everything else ONNX.
  ///
  /// - Throws: ``FormatError``.
  public static func save(
    _ graph: Graph, to url: URL, options: ONNXFormat.SaveOptions = .init()
  ) throws {
    if ["h5", "hdf5"].contains(url.pathExtension.lowercased()) {
      try HDF5Format.save(graph, to: url)
    } else {
      try ONNXFormat.save(graph, to: url, options: options)
    }
  }

  /// The bytes of a regular file.
  ///
  /// - Throws: ``FormatError``.
  static func read(_ url: URL) throws -> Data {
    var status = stat()
    guard stat(url.path, &status) == 0 else {
      let isAbsent = errno == ENOENT || errno == ENOTDIR
      throw FormatError(
        isAbsent ? .noInput : .inputOutput, file: url.path,
        reason: isAbsent
          ? "there is no such file" : "cannot be read: \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "no regular file"
      throw FormatError(.badData, file: url.path, reason: "is \(kind), not a model file")
    }
    do {
      return try Data(contentsOf: url, options: .mappedIfSafe)
    } catch {
      throw FormatError(
        .inputOutput, file: url.path, reason: "cannot be read: \(error.localizedDescription)")
    }
  }
}
