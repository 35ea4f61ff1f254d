import Compression
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection

/// Measures the damage of removing channels of each layer alone, and resumes from a file.
public struct SensitivityMeasurement {
  private let criterion: ChannelCriterion
  private let measure: SensitivityMeter.Measure
  private let fractions: [Double]
  private let head: HeadSettings
  private let engine: Engine

  /// A measurement at ascending fractions of each layer's channels.
  ///
  /// - Parameters:
  ///   - criterion: The criterion for which channels of a layer are removed first.
  ///   - head: The given settings of the detector's head; the rest is recognised.
  public init(
    criterion: ChannelCriterion, measure: SensitivityMeter.Measure, fractions: [Double],
    head: HeadSettings = HeadSettings(), engine: Engine
  ) {
    (self.criterion, self.measure, self.fractions) = (criterion, measure, fractions)
    (self.head, self.engine) = (head, engine)
  }

  /// Measures layer by layer, and writes the file after each.
  ///
  /// - Parameters:
  ///   - images: The images that outputs are compared on.
  ///   - labelled: The images that mAP is measured on.
  /// - Throws: `FormatError`, ``PruningError``, `CompressionError`, what sessions throw.
  public func run(
    on graph: Graph, images: CalibrationImages, labelled: Dataset? = nil, file: URL
  ) throws -> ChannelSensitivity {
    let coupling = try ChannelCoupling(
      graph, registry: engine.registry, inputShapes: engine.inputShapes)
    let scores = try ChannelScores(coupling, criterion: criterion).groups
    var result = ChannelSensitivity(
      measure: measure.rawValue, method: criterion.name, fingerprint: coupling.fingerprint)
    if let known = try JSONFile.readState(
      ChannelSensitivity.self, from: file.path, kind: "file of sensitivities"),
      known.fingerprint == result.fingerprint, known.method == result.method,
      known.measure == result.measure,
      known.curves.allSatisfy({ $0.fractions == fractions })
    {
      result = known
      engine.progress.notice("\(known.curves.count) layers are taken from \(file.relativePath)")
    }
    let meter = try SensitivityMeter(
      graph, measure: measure, images: images, labelled: labelled, settings: head, engine: engine)
    try engine.progress.job("measuring", total: coupling.producers.count, unit: "layers") { done in
      for (index, producer) in coupling.producers.enumerated() {
        defer { done(index + 1) }
        let own = Set(producer.groups.compactMap { $0 }).filter { scores[$0].isFinite }.sorted {
          (scores[$0], $0) < (scores[$1], $1)
        }
        guard own.count > 1, !result.curves.contains(where: { $0.weight == producer.weight })
        else { continue }
        result.curves.append(
          try curve(of: producer.weight, own, coupling, meter))
        try AtomicFile.write(PlanFile.encode(result), to: file)
      }
    }
    return result
  }

  private func curve(
    of weight: String, _ own: [Int], _ coupling: ChannelCoupling, _ meter: SensitivityMeter
  ) throws -> ChannelSensitivity.Curve {
    let damages = try fractions.map { fraction in
      var removed = Set(own.prefix(Int((fraction * Double(own.count)).rounded(.down))))
      for set in coupling.minimalSets where removed.isSuperset(of: set) {
        if let best = set.last { removed.remove(best) }
      }
      return removed.isEmpty ? 0 : try meter.damage(coupling.removing(removed).graph)
    }
    return .init(weight: weight, fractions: fractions, damages: damages)
  }
}
