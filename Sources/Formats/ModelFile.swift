import Foundation
import GraphIR

/// Model files of every known format.
public enum ModelFile {
  /// The endings of file names that say which format to write.
  public static let endings = ["onnx", "h5", "hdf5"]

  /// Reads a model.
  ///
  /// The format is recognised by the content, not by the name.
  ///
  /// - Throws: ``FormatError``.
  public static func load(_ url: URL) throws -> Graph {
    try parse(try InputFile.data(url, isMapped: true), from: url)
  }

  /// Reads the bytes of a model file.
  ///
  /// - Throws: ``FormatError``.
  public static func parse(_ data: Data, from url: URL) throws -> Graph {
    if HDF5Format.isHDF5(data) { return try HDF5Format.parse(data, file: url.path) }
    return try ONNXFormat.parse(data, file: url.path, folder: url.deletingLastPathComponent())
  }

  /// Writes a model; `.h5` and `.hdf5` make HDF5, everything else ONNX.
  ///
  /// - Parameter check: Called with the graph that the new file holds, before it replaces an old
  ///   one. When it throws, nothing is replaced.
  /// - Throws: ``FormatError``, what `check` throws.
  public static func save(
    _ graph: Graph, to url: URL, options: ONNXFormat.SaveOptions = .init(),
    check: ((Graph) throws -> Void)? = nil
  ) throws {
    if ["h5", "hdf5"].contains(url.pathExtension.lowercased()) {
      try HDF5Format.save(graph, to: url, check: check)
    } else {
      try ONNXFormat.save(graph, to: url, options: options, check: check)
    }
  }
}
