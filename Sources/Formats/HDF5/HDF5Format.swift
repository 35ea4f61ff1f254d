import CHDF5
import Foundation
import GraphIR
import Tensors

/// HDF5 model files: the graph with its weights as datasets, laid out as `Documentation/FileFormats.md` says.
///
/// A user block before the HDF5 data holds the length and SHA-256 digest of all that follows; both are checked before
/// the C library reads a byte, so that a damaged file is an error and never a crash.
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
    let data = try ModelFile.read(url)
    try checkUserBlock(data, file: url.path)
    do {
      return try HDF5Library.run { try readGraph(HDF5File(reading: url.path), file: url.path) }
    } catch let error as HDF5Error {
      throw FormatError(
        .badData, file: url.path, place: error.object, reason: "\(error.call) failed")
    } catch let error as PlacedError {
      throw FormatError(.badData, file: url.path, place: error.place, reason: error.reason)
    }
  }

  /// Writes a model file; the same graph gives the same bytes.
  ///
  /// - Throws: ``FormatError`` when the system refuses.
  public static func save(_ graph: Graph, to url: URL) throws {
    try AtomicFile.replace(url) { temporary in
      do {
        try HDF5Library.run { try writeGraph(graph, to: temporary.path) }
      } catch let error as HDF5Error {
        throw FormatError(
          .inputOutput, file: url.path, place: error.object,
          reason: "cannot be written: \(error.call) failed")
      }
      try sealUserBlock(temporary, url)
    }
  }

  private static func checkUserBlock(_ data: Data, file: String) throws {
    guard data.starts(with: magic) else {
      let isKeras = data.range(of: Data("model_config".utf8)) != nil
      throw FormatError(
        .badData, file: file,
        reason: isKeras
          ? "is a Keras model; convert it to ONNX first (python -m tf2onnx.convert)"
          : "is an HDF5 file that this tool did not write")
    }
    let header = [UInt8](data.prefix(userBlock))
    let body = data.dropFirst(userBlock)
    let length = header.count < 56 ? -1 : header[16..<24].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard header.count == userBlock, body.count == length else {
      throw FormatError(.badData, file: file, reason: "is cut short or has bytes appended")
    }
    guard Array(header[24..<56]) == Digest.sha256(body) else {
      throw FormatError(.badData, file: file, reason: "is damaged: its checksum does not fit")
    }
  }

  private static func sealUserBlock(_ temporary: URL, _ url: URL) throws {
    do {
      let body = try Data(contentsOf: temporary, options: .mappedIfSafe).dropFirst(userBlock)
      var header = magic + (0..<8).map { UInt8(truncatingIfNeeded: body.count >> (8 * $0)) }
      header += Digest.sha256(body)
      header += [UInt8](repeating: 0, count: userBlock - header.count)
      let handle = try FileHandle(forUpdating: temporary)
      try handle.write(contentsOf: Data(header))
      try handle.synchronize()
      try handle.close()
    } catch {
      throw FormatError(
        .inputOutput, file: url.path,
        reason: "cannot be written: \(error.localizedDescription)")
    }
  }

  /// A dataset name that HDF5 takes: `/` and `%` and a lone `.` are percent-encoded.
  static func datasetName(_ name: String) -> String {
    let encoded = name.replacing("%", with: "%25").replacing("/", with: "%2F")
      .replacing("\0", with: "%00")
    return encoded.isEmpty ? "%" : encoded == "." ? "%2E" : encoded
  }
}
