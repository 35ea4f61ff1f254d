import Formats
import Foundation
import GraphIR

/// The sizes of a network with many zeros, in the forms that it can be stored in.
public struct WeightStorage: Codable, Sendable, Equatable {
  /// Bytes of an ONNX file.
  public var plain: Int
  /// Bytes of that file after gzip.
  public var gzip: Int
  /// Bytes of an HDF5 file, which leaves zeros out.
  public var hdf5: Int
  /// Bytes of an ONNX file with sparse initializers.
  public var sparseInitializers: Int

  /// The sizes of a network.
  ///
  /// - Throws: `FormatError` for what a format cannot hold.
  public init(_ graph: Graph) throws {
    let file = try ONNXFormat.serialize(graph)
    (plain, gzip) = (file.count, Digest.deflatedSize(file))
    hdf5 = try HDF5Format.serialize(graph).count
    sparseInitializers = try ONNXFormat.serialize(
      graph, options: .init(sparseInitializers: true)
    ).count
  }
}
