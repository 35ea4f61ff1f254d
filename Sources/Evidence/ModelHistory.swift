import Foundation
import GraphIR

extension ModelArtifact {
  /// The steps that made the model, one line each, from the records in its metadata and in their
  /// order.
  public var history: [String] {
    let steps = graph.properties.metadata.filter { $0.key.hasPrefix("compress.") }
    return steps.keys.sorted().compactMap { key in
      guard let value = graph.properties.metadata[key],
        let record = try? JSONSerialization.jsonObject(with: Data(value.utf8)) as? [String: Any],
        let source = record["source"] as? String
      else { return nil }
      let verb = key.dropFirst("compress.".count)
      return "made by \(verb) from the model of SHA-256 \(source)"
    }
  }
}
