import Foundation
import GraphIR

/// A format of model files: how a file is recognised, read and written.
public struct ModelFormat: Sendable {
  /// The name in messages.
  public var name: String
  /// The suffixes of its files, the usual one first.
  public var endings: [String]
  /// Whether it has ``ONNXFormat/SaveOptions``, and may have weights in a file beside it.
  public var hasSaveOptions: Bool
  /// Whether bytes begin like a file of the format.
  var matches: @Sendable (Data) -> Bool
  /// Reads the bytes of a file that lies at a place.
  var parse: @Sendable (Data, URL) throws -> Graph
  /// Writes a file; the last argument is told what it holds before it takes the place of an old
  /// one.
  var save: @Sendable (Graph, URL, ONNXFormat.SaveOptions, ((Graph) throws -> Void)?) throws -> Void

  /// A format.
  ///
  /// - Parameters:
  ///   - matches: Whether bytes begin like a file of the format.
  ///   - parse: Reads the bytes of a file that lies at a place.
  ///   - save: Writes a file, and tells what it holds before it takes the place of an old one.
  public init(
    name: String, endings: [String], hasSaveOptions: Bool = false,
    matches: @escaping @Sendable (Data) -> Bool,
    parse: @escaping @Sendable (Data, URL) throws -> Graph,
    save:
      @escaping @Sendable (
        Graph, URL, ONNXFormat.SaveOptions, ((Graph) throws -> Void)?
      ) throws -> Void
  ) {
    (self.name, self.endings, self.hasSaveOptions) = (name, endings, hasSaveOptions)
    (self.matches, self.parse, self.save) = (matches, parse, save)
  }

  /// Every format.
  ///
  /// The last one is what a file is taken for that none recognises, and what is written under an
  /// ending that none has.
  public static let all: [ModelFormat] = [.hdf5, .onnx]

  /// The format of a path's suffix; `nil` when there is none.
  public static func named(by url: URL) -> ModelFormat? {
    let ending = url.pathExtension.lowercased()
    return all.first { $0.endings.contains(ending) }
  }

  /// The format in which a path is written.
  public static func written(to url: URL) -> ModelFormat { named(by: url) ?? fallback }

  /// The format that bytes are of.
  static func of(_ data: Data) -> ModelFormat { all.first { $0.matches(data) } ?? fallback }

  private static var fallback: ModelFormat { all[all.count - 1] }

  /// The suffix of a file that is made from the one at a path.
  public static func ending(like url: URL) -> String {
    let format = written(to: url)
    return format.name == fallback.name ? format.endings[0] : url.pathExtension
  }

  /// Whether a path has a suffix of the format.
  public func hasEnding(of url: URL) -> Bool { endings.contains(url.pathExtension.lowercased()) }
}

extension ModelFormat {
  /// ONNX.
  public static let onnx = ModelFormat(
    name: "ONNX", endings: ["onnx"], hasSaveOptions: true,
    // Protobuf messages begin with nothing of their own.
    matches: { _ in false },
    parse: { try ONNXFormat.parse($0, file: $1.path, folder: $1.deletingLastPathComponent()) },
    save: { try ONNXFormat.save($0, to: $1, options: $2, check: $3) })

  /// HDF5 in the layout of this toolkit.
  public static let hdf5 = ModelFormat(
    name: "HDF5", endings: ["h5", "hdf5"],
    matches: { HDF5Format.isHDF5($0) },
    parse: { try HDF5Format.parse($0, file: $1.path) },
    save: { graph, url, _, check in try HDF5Format.save(graph, to: url, check: check) })
}
