import Formats
import Foundation
import GraphIR
import Tensors

/// The whole state of a training run.
public struct TrainingCheckpoint: Sendable {
  /// How the run trains.
  public var configuration: TrainingConfiguration
  /// The progress of the run.
  public var progress: TrainingProgress
  /// Parameters and running statistics.
  public var state: [String: Tensor]
  /// Their moving averages; empty when there are none.
  public var average: [String: Tensor]
  /// Those of the best epoch; empty before the first.
  public var best: [String: Tensor]
  /// The optimiser's state of each parameter.
  public var slots: [String: [Tensor]]
  /// The state of each hook.
  public var hooks: [[String: Tensor]]

  /// The metadata of a checkpoint file.
  private struct Header: Codable {
    var schemaVersion = 1
    var configuration: TrainingConfiguration
    var progress: TrainingProgress
    var hookCount: Int
  }

  private static let metadataKey = "compress.checkpoint"

  /// Writes the checkpoint as tensors of an ONNX file without nodes.
  ///
  /// - Throws: `FormatError`.
  public func save(to url: URL) throws {
    var graph = Graph(name: "checkpoint")
    func store(_ tensors: [String: Tensor], _ prefix: String) {
      for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
        graph.initializers["\(prefix)/\(name)"] = Initializer(tensor)
      }
    }
    store(state, "state")
    store(average, "average")
    store(best, "best")
    for (name, tensors) in slots.sorted(by: { $0.key < $1.key }) {
      for (slot, tensor) in tensors.enumerated() {
        graph.initializers["slot\(slot)/\(name)"] = Initializer(tensor)
      }
    }
    for (index, tensors) in hooks.enumerated() { store(tensors, "hook\(index)") }
    let header = Header(
      configuration: configuration, progress: progress, hookCount: hooks.count)
    graph.properties.metadata[Self.metadataKey] = String(
      decoding: try JSONEncoder().encode(header), as: UTF8.self)
    try ModelFile.save(graph, to: url)
  }

  /// Reads a checkpoint.
  ///
  /// - Throws: `FormatError`, ``TrainingError/checkpoint(reason:)`` for a file that is not a
  ///   checkpoint.
  public init(contentsOf url: URL) throws {
    let graph = try ModelFile.load(url)
    guard let text = graph.properties.metadata[Self.metadataKey],
      let header = try? JSONDecoder().decode(Header.self, from: Data(text.utf8)),
      header.schemaVersion == 1
    else { throw TrainingError.checkpoint(reason: "\(url.path) is no checkpoint of this version") }
    InputFile.release(url)
    configuration = header.configuration
    progress = header.progress
    (state, average, best, slots) = ([:], [:], [:], [:])
    hooks = Array(repeating: [:], count: header.hookCount)
    for (key, initializer) in graph.initializers {
      guard let slash = key.firstIndex(of: "/") else { continue }
      let name = String(key[key.index(after: slash)...])
      switch key[..<slash] {
      case "state": state[name] = initializer.tensor
      case "average": average[name] = initializer.tensor
      case "best": best[name] = initializer.tensor
      case let prefix where prefix.hasPrefix("hook"):
        if let index = Int(prefix.dropFirst(4)), hooks.indices.contains(index) {
          hooks[index][name] = initializer.tensor
        }
      default: continue
      }
    }
    for name in state.keys {
      var tensors: [Tensor] = []
      while let tensor = graph.initializers["slot\(tensors.count)/\(name)"]?.tensor {
        tensors.append(tensor)
      }
      slots[name] = tensors
    }
  }

  init(
    configuration: TrainingConfiguration, progress: TrainingProgress, state: [String: Tensor],
    average: [String: Tensor], best: [String: Tensor], slots: [String: [Tensor]],
    hooks: [[String: Tensor]]
  ) {
    self.configuration = configuration
    self.progress = progress
    self.state = state
    self.average = average
    self.best = best
    self.slots = slots
    self.hooks = hooks
  }
}
