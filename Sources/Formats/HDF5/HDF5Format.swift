import Foundation
import GraphIR
import Tensors

/// HDF5 model files: the graph with its weights as datasets, laid out as
/// `Documentation/FileFormats.md` says.
///
/// A user block before the HDF5 data holds the length and SHA-256 digest of all that follows. Both
/// are checked before anything else is read, so that a damaged file is reported as damaged.
public enum HDF5Format {
  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]
  static let magic = Array("compress HDF5 1\n".utf8)
  static let userBlock = 512

  /// Whether the bytes begin like an HDF5 file, with or without our user block.
  static func isHDF5(_ data: Data) -> Bool {
    data.starts(with: magic) || data.starts(with: signature)
  }

  /// Reads a model file.
  ///
  /// - Throws: ``FormatError``.
  public static func load(_ url: URL) throws -> Graph {
    try parse(try InputFile.data(url, isMapped: true), file: url.path)
  }

  /// Reads the bytes of a model file.
  ///
  /// - Parameter file: What messages call the bytes.
  /// - Throws: ``FormatError`` of kind ``FormatError/Kind/badData``.
  public static func parse(_ data: Data, file: String) throws -> Graph {
    try checkUserBlock(data, file: file)
    do {
      return try readGraph(HDF5Reader(data.dropFirst(userBlock)))
    } catch let error as PlacedError {
      throw FormatError(error.kind, file: file, place: error.place, reason: error.reason)
    } catch let error as GraphError {
      throw FormatError(.badData, file: file, reason: "\(error)")
    }
  }

  /// Writes a model file; the same graph gives the same bytes.
  ///
  /// - Parameter check: Called with the graph that the new file holds, before it replaces an old
  ///   one.
  /// - Throws: ``FormatError`` when the system refuses or HDF5 cannot hold the graph, what `check`
  ///   throws.
  public static func save(
    _ graph: Graph, to url: URL, check: ((Graph) throws -> Void)? = nil
  ) throws {
    let data = try serialize(graph, file: url.path)
    try AtomicFile.replace(url) { temporary in
      try AtomicFile.create(temporary) { file in
        try data.withUnsafeBytes { try file.write($0, at: 0) }
      }
      try check?(try parse(try AtomicFile.readBack(temporary), file: url.path))
    }
  }

  /// The bytes of a model file.
  ///
  /// - Parameter file: What messages call the bytes.
  /// - Throws: ``FormatError`` when HDF5 cannot hold the graph.
  public static func serialize(_ graph: Graph, file: String = "") throws -> Data {
    do {
      return sealed(try HDF5Library.run { try image(of: graph) })
    } catch let error as HDF5Error {
      throw FormatError(
        .inputOutput, file: file, place: error.object,
        reason: "cannot be written: \(error.call) failed")
    }
  }

  /// HDF5 data behind a user block with its length and digest.
  static func sealed(_ body: Data) -> Data {
    var file = Data(magic)
    withUnsafeBytes(of: UInt64(body.count).littleEndian) { file.append(contentsOf: $0) }
    file.append(contentsOf: Digest.sha256(body))
    file.append(Data(count: userBlock - file.count))
    return file + body
  }

  private static func checkUserBlock(_ data: Data, file: String) throws {
    func bad(_ reason: String) -> FormatError { FormatError(.badData, file: file, reason: reason) }
    guard data.starts(with: magic) else {
      let isKeras = data.range(of: Data("model_config".utf8)) != nil
      throw bad(
        isKeras
          ? "is a Keras model; convert it to ONNX first (python -m tf2onnx.convert)"
          : "is an HDF5 file that this tool did not write")
    }
    guard data.count >= userBlock else { throw bad("is cut short") }
    let header = [UInt8](data.prefix(userBlock))
    let body = data.dropFirst(userBlock)
    let length = header[16..<24].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length == UInt64(body.count) else { throw bad("is cut short or has bytes appended") }
    guard Array(header[24..<56]) == Digest.sha256(body) else {
      throw bad("is damaged: its checksum does not fit")
    }
  }

  /// A dataset name that HDF5 takes: `%`, `/`, NUL and a lone `.` are percent-encoded, and the
  /// empty name becomes `%`.
  static func datasetName(_ name: String) -> String {
    let encoded = name.replacing("%", with: "%25").replacing("/", with: "%2F")
      .replacing("\0", with: "%00")
    return encoded.isEmpty ? "%" : encoded == "." ? "%2E" : encoded
  }
}
