import Foundation
import GraphIR

/// Model files of every known ``ModelFormat``.
public enum ModelFile {
  /// The endings of file names that say which format to write.
  public static let endings = ModelFormat.all.reversed().flatMap(\.endings)

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
  /// - Throws: ``FormatError``, which says what the file is where it is of another program.
  public static func parse(_ data: Data, from url: URL) throws -> Graph {
    if let foreign = ForeignModel.of(data) { throw foreign.error(for: url) }
    do {
      return try ModelFormat.of(data).parse(data, url)
    } catch let error as FormatError where error.kind == .badData {
      if let foreign = ForeignModel.named(by: url) { throw foreign.error(for: url) }
      throw error
    }
  }

  /// Writes a model in the format of the path's suffix, or as ONNX where the suffix names none.
  ///
  /// - Parameter check: Called with the graph that the new file holds, before it replaces an old
  ///   one. When it throws, nothing is replaced.
  /// - Throws: ``FormatError``, what `check` throws.
  public static func save(
    _ graph: Graph, to url: URL, options: ONNXFormat.SaveOptions = .init(),
    check: ((Graph) throws -> Void)? = nil
  ) throws {
    try ModelFormat.written(to: url).save(graph, url, options, check)
  }
}
