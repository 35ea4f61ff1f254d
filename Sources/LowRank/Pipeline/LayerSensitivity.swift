import Compression
import Formats
import Foundation
import GraphIR

/// The damage of each layer at each rank alone, measured once and kept in a file.
struct LayerSensitivity: Codable {
  var schemaVersion = 1
  var measure: String
  /// The fingerprint of the weights it was measured on.
  var fingerprint: String
  /// Damages by weight, method and rank.
  var damages: [String: Double] = [:]

  /// Measures lazily.
  ///
  /// Damages in the file are not measured again.
  final class Store {
    private var content: LayerSensitivity
    private let file: String?
    private let graph: Graph
    private let meter: SensitivityMeter

    /// A store in a file.
    ///
    /// A file for other weights or another measure is started again.
    ///
    /// - Throws: `FormatError`, also for a file that does not hold measurements.
    init(
      _ graph: Graph, fingerprint: String, measure: String, file: String?, meter: SensitivityMeter
    ) throws {
      content = LayerSensitivity(measure: measure, fingerprint: fingerprint)
      if let file,
        let known = try JSONFile.readState(
          LayerSensitivity.self, from: file, kind: "file of sensitivities"),
        known.fingerprint == fingerprint, known.measure == measure
      {
        content = known
      }
      (self.file, self.graph, self.meter) = (file, graph, meter)
    }

    /// The damage of a layer at a rank.
    func damage(_ candidate: LayerCandidate, _ rank: [Int]) throws -> Double {
      let key = "\(candidate.layer.weight)/\(candidate.method.name)/\(rank.text)"
      if let known = content.damages[key] { return known }
      let network = FactorizedNetwork(
        graph, replacing: [(candidate.layer, try candidate.factorization.factors(rank))],
        registry: meter.engine.registry)
      let damage = try meter.damage(network.graph)
      content.damages[key] = damage
      if let file { try AtomicFile.write(PlanFile.encode(content), to: URL(filePath: file)) }
      return damage
    }
  }
}
