import Foundation
import GraphIR
import SwiftProtobuf
import Tensors

/// ONNX model files, opset 7 to 28.
///
/// Everything in a file survives reading and writing. What ``Graph`` does not model is carried
/// along as serialised fields and merged back. Tensor elements are written as raw bytes, whatever
/// field they came in.
public enum ONNXFormat {
  /// The operator sets whose meaning is known.
  public static let supportedOpsets = 7...28

  /// How a model is written.
  public struct SaveOptions: Sendable, Equatable {
    /// Whether to store initializers with many zeros as values and indices where that is smaller.
    public var sparseInitializers: Bool
    /// The size in bytes from which on initializers go to a file beside the model.
    public var externalDataFrom: Int?

    /// Options; by default every initializer keeps the encoding it has.
    public init(sparseInitializers: Bool = false, externalDataFrom: Int? = nil) {
      self.sparseInitializers = sparseInitializers
      self.externalDataFrom = externalDataFrom
    }
  }

  /// Reads a model file.
  ///
  /// - Throws: ``FormatError``.
  public static func load(_ url: URL) throws -> Graph {
    try parse(
      try InputFile.data(url, isMapped: true), file: url.path,
      folder: url.deletingLastPathComponent())
  }

  /// Reads the bytes of a model file.
  ///
  /// - Parameters:
  ///   - file: The name of the file in error messages.
  ///   - folder: Where external data may lie; `nil` refuses it.
  /// - Throws: ``FormatError`` of kind ``FormatError/Kind/badData``.
  public static func parse(_ data: Data, file: String, folder: URL? = nil) throws -> Graph {
    try parse(data, file: file, folder: folder, placed: [:])
  }

  /// - Parameter placed: The temporary paths of files with external data that do not have their
  ///   names yet.
  private static func parse(
    _ data: Data, file: String, folder: URL?, placed: [String: URL]
  ) throws -> Graph {
    do {
      guard !data.isEmpty else { throw PlacedError("", "is empty") }
      let skeleton = try ONNXSkeleton(data)
      let source = TensorSource(
        file: data, payloads: skeleton.payloads, folder: folder, placed: placed)
      var graph = try ONNXReader(source: source).model(try model(skeleton.message))
      do { try graph.verify() } catch GraphError.undefinedValue {
        try graph.sortTopologically()
        try graph.verify()
      }
      return graph
    } catch let error as PlacedError {
      throw FormatError(error.kind, file: file, place: error.place, reason: error.reason)
    } catch let error as GraphError {
      throw FormatError(.badData, file: file, reason: "\(error)")
    }
  }

  /// The message of a model.
  ///
  /// - Throws: ``PlacedError``.
  static func model(_ message: Data) throws -> Onnx_ModelProto {
    var decoding = BinaryDecodingOptions()
    decoding.messageDepthLimit = 64
    guard let proto = try? Onnx_ModelProto(serializedBytes: message, options: decoding) else {
      throw PlacedError("", "is not an ONNX model, or is cut short or damaged")
    }
    guard proto.hasGraph, !proto.opsetImport.isEmpty || proto.irVersion < 3 else {
      throw PlacedError("", "is not an ONNX model: it holds no graph or names no operator set")
    }
    return proto
  }

  /// The paths of the external data of a model, relative to its folder.
  ///
  /// - Throws: ``FormatError`` of kind ``FormatError/Kind/badData``.
  public static func externalLocations(in data: Data, file: String) throws -> [String] {
    do {
      let proto = try model(try ONNXSkeleton(data).message)
      let locations = proto.graph.initializer.lazy.filter { $0.dataLocation == .external }
        .compactMap { $0.externalData.first { $0.key == "location" }?.value }
      return Set(locations).sorted()
    } catch let error as PlacedError {
      throw FormatError(error.kind, file: file, place: error.place, reason: error.reason)
    }
  }

  /// The name of the file of external tensors that belongs to a model file.
  static func externalFile(of url: URL) -> String { url.lastPathComponent + ".data" }

  /// Writes a model file.
  ///
  /// External tensors go to one file beside it, named like it with `.data` appended.
  ///
  /// Both are complete under temporary names before the first is renamed.
  ///
  /// - Parameter check: Called with the graph that the new files hold, before they replace old
  ///   ones.
  /// - Throws: ``FormatError`` when the system refuses or the model exceeds the 2 GB of a protobuf
  ///   message, what `check` throws.
  public static func save(
    _ graph: Graph, to url: URL, options: SaveOptions = SaveOptions(),
    check: ((Graph) throws -> Void)? = nil
  ) throws {
    let name = externalFile(of: url)
    var writer = ONNXWriter(options: options, initializerData: .messages(externalFile: name))
    let data = try serialize(&writer, graph, file: url.path)
    let external = writer.external
    let folder = url.deletingLastPathComponent()
    func fill(_ model: URL, placed: [String: URL] = [:]) throws {
      try AtomicFile.create(model) { file in
        try data.withUnsafeBytes { try file.write($0, at: 0) }
      }
      try check?(
        try parse(
          try AtomicFile.readBack(model), file: url.path, folder: folder, placed: placed))
    }
    guard !external.isEmpty else { return try AtomicFile.replace(url) { try fill($0) } }
    try AtomicFile.replace(url) { model in
      try AtomicFile.replace(folder.appending(path: name)) { weights in
        try AtomicFile.create(weights) { file in
          for (offset, tensor) in external {
            try tensor.withUnsafeBytes { try file.write($0, at: offset) }
          }
        }
        try fill(model, placed: [name: weights])
      }
    }
  }

  /// The bytes of a model file; external tensors are embedded.
  ///
  /// - Throws: ``FormatError`` when the model exceeds the 2 GB of a protobuf message.
  public static func serialize(
    _ graph: Graph, options: SaveOptions = SaveOptions()
  ) throws -> Data {
    var writer = ONNXWriter(options: options, initializerData: .messages(externalFile: nil))
    return try serialize(&writer, graph, file: graph.name)
  }

  private static func serialize(
    _ writer: inout ONNXWriter, _ graph: Graph, file: String
  ) throws -> Data {
    do {
      return try writer.model(graph).serializedData()
    } catch {
      throw FormatError(
        .badData, file: file,
        reason: "the model exceeds the 2 GB of an ONNX file; "
          + "let its weights lie beside it as external data")
    }
  }
}

extension SwiftProtobuf.Message {
  /// The serialised message; empty when it has no field set.
  var bytes: [UInt8] { (try? serializedBytes(partial: true)) ?? [] }

  /// A message that starts from carried fields.
  init(carried: [UInt8]) {
    self = (try? Self(serializedBytes: carried, partial: true)) ?? Self()
  }
}
