import Foundation
import GraphIR
import SwiftProtobuf
import Tensors

/// ONNX model files, opset 7 to 21.
///
/// Everything in a file survives reading and writing: what ``Graph`` does not model is carried along as serialised
/// fields and merged back. Tensor elements are written as raw bytes whatever field they came in.
public enum ONNXFormat {
  /// The operator sets whose meaning is known.
  public static let supportedOpsets = 7...21

  /// How a model is written.
  public struct SaveOptions: Sendable, Equatable {
    /// Whether to store initializers with many zeros as values and indices where that is smaller.
    public var sparseInitializers: Bool

    /// Options; by default every initializer keeps the encoding it has.
    public init(sparseInitializers: Bool = false) {
      self.sparseInitializers = sparseInitializers
    }
  }

  /// Reads a model file.
  ///
  /// - Throws: ``FormatError``.
  public static func load(_ url: URL) throws -> Graph {
    try parse(
      try ModelFile.read(url), file: url.path, folder: url.deletingLastPathComponent())
  }

  /// Reads the bytes of a model file.
  ///
  /// - Parameters:
  ///   - file: What messages call the bytes.
  ///   - folder: Where external data may lie; `nil` refuses it.
  /// - Throws: ``FormatError`` of kind ``FormatError/Kind/badData``.
  public static func parse(_ data: Data, file: String, folder: URL? = nil) throws -> Graph {
    func bad(_ reason: String, _ place: String = "") -> FormatError {
      FormatError(.badData, file: file, place: place, reason: reason)
    }
    guard !data.isEmpty else { throw bad("is empty") }
    var decoding = BinaryDecodingOptions()
    decoding.messageDepthLimit = 64
    let proto: Onnx_ModelProto
    do {
      proto = try Onnx_ModelProto(serializedBytes: data, options: decoding)
    } catch {
      throw bad("is not an ONNX model, or is cut short or damaged")
    }
    guard proto.hasGraph, !proto.opsetImport.isEmpty || proto.irVersion < 3 else {
      throw bad("is not an ONNX model: it holds no graph or names no operator set")
    }
    do {
      var graph = try ONNXReader(external: ExternalData(folder: folder)).model(consume proto)
      do { try graph.verify() } catch GraphError.undefinedValue {
        try graph.sortTopologically()
        try graph.verify()
      }
      return graph
    } catch let error as PlacedError {
      throw bad(error.reason, error.place)
    } catch let error as GraphError {
      throw bad("\(error)")
    }
  }

  /// Writes a model file; external tensors go to their files beside it.
  ///
  /// - Throws: ``FormatError`` when the system refuses.
  public static func save(
    _ graph: Graph, to url: URL, options: SaveOptions = SaveOptions()
  ) throws {
    var writer = ONNXWriter(options: options)
    let data = try serialize(&writer, graph, file: url.path)
    for (location, bytes) in writer.external.sorted(by: { $0.key < $1.key }) {
      try AtomicFile.write(bytes, to: url.deletingLastPathComponent().appending(path: location))
    }
    try AtomicFile.write(data, to: url)
  }

  /// The bytes of a model file; external tensors are embedded.
  ///
  /// - Throws: ``FormatError`` when the model exceeds the 2 GB of a protobuf message.
  public static func serialize(
    _ graph: Graph, options: SaveOptions = SaveOptions()
  ) throws -> Data {
    var writer = ONNXWriter(options: options)
    writer.embedsExternal = true
    return try serialize(&writer, graph, file: graph.name)
  }

  private static func serialize(
    _ writer: inout ONNXWriter, _ graph: Graph, file: String
  ) throws -> Data {
    do {
      return try writer.model(graph).serializedData()
    } catch {
      throw FormatError(
        .badData, file: file, reason: "the model does not fit into an ONNX file: \(error)")
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
