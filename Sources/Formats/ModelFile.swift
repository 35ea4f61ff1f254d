import Foundation
import GraphIR

/// Model files of every known ``ModelFormat``.
public enum ModelFile {
  /// The endings of file names that say which format to write.
  public static let endings = ModelFormat.all.reversed().flatMap(\.endings)

  /// Reads a model; the format is told from the content, not from the name.
  ///
  /// - Throws: ``FormatError``.
  public static func load(_ url: URL) throws -> Graph {
    try parse(try InputFile.data(url, isMapped: true), from: url)
  }

  /// Reads the bytes of a model file.
  ///
  /// - Throws: ``FormatError``.
  public static func parse(_ data: Data, from url: URL) throws -> Graph {
    try ModelFormat.of(data).parse(data, url)
  }

  /// Writes a model in the format of the path's ending, ONNX where that names none.
  ///
  /// - Parameter check: Told what the new file holds before it takes the place of an old one; what
  ///   it throws leaves all as it was.
  /// - Throws: ``FormatError``, what `check` throws.
  public static func save(
    _ graph: Graph, to url: URL, options: ONNXFormat.SaveOptions = .init(),
    check: ((Graph) throws -> Void)? = nil
  ) throws {
    try ModelFormat.written(to: url).save(graph, url, options, check)
  }
}
