import Foundation
import GraphIR
import ObjectDetection

extension Graph {
  /// The network with its head's settings in the metadata.
  ///
  /// - Throws: what `JSONEncoder` throws for numbers that are not finite.
  func carrying(_ configuration: HeadConfiguration) throws -> Graph {
    var graph = self
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    graph.properties.metadata[Detector.metadataKey] = String(
      decoding: try encoder.encode(configuration), as: UTF8.self)
    return graph
  }
}
