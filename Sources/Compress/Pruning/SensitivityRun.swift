import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Prune
import Reports
import Tensors

/// Measures what the loss of channels of each layer alone does to a model; goes on where a file left off.
struct SensitivityRun {
  /// What counts as damage.
  enum Measure: String, CaseIterable, Codable {
    /// The relative squared error of the outputs.
    case output
    /// The loss of mAP.
    case map = "mAP"
  }

  var graph: Graph
  var criterion: ChannelCriterion
  var measure: Measure
  var fractions: [Double]
  /// The images that outputs are compared on.
  var images: CalibrationImages
  /// The images that mAP is measured on.
  var labelled: Dataset?
  var head: DetectionOptions
  var common: CommonOptions

  /// Measures layer by layer, and writes the file after each.
  func run(file: URL) throws -> ChannelSensitivity {
    let shapes = try head.parsedShapes()
    let coupling = try ChannelCoupling(graph, registry: .standard, inputShapes: shapes)
    let scores = try ChannelScores(coupling, criterion: criterion).groups
    var result = ChannelSensitivity(
      measure: measure.rawValue, method: criterion.name, fingerprint: coupling.fingerprint)
    if let data = try? Data(contentsOf: file),
      let known = try? JSONDecoder().decode(ChannelSensitivity.self, from: data),
      known.fingerprint == result.fingerprint, known.method == result.method,
      known.measure == result.measure,
      known.curves.allSatisfy({ $0.fractions == fractions })
    {
      result = known
      common.logger.notice("\(known.curves.count) layers are taken from \(file.relativePath)")
    }
    let subject = try Subject(self, shapes)
    let bar = ProgressBar(
      "measuring", total: coupling.producers.count, unit: "layers", isShown: common.showsProgress)
    defer { bar.finish() }
    for (index, producer) in coupling.producers.enumerated() {
      defer { bar.update(index + 1) }
      let own = Set(producer.groups.compactMap { $0 }).filter { scores[$0].isFinite }.sorted {
        (scores[$0], $0) < (scores[$1], $1)
      }
      guard own.count > 1, !result.curves.contains(where: { $0.weight == producer.weight }) else {
        continue
      }
      let damages = try fractions.map { fraction in
        var removed = Set(own.prefix(Int((fraction * Double(own.count)).rounded(.down))))
        for set in coupling.minimalSets where removed.isSuperset(of: set) {
          if let best = set.last { removed.remove(best) }
        }
        return removed.isEmpty ? 0 : try subject.damage(coupling.removing(removed).graph)
      }
      result.curves.append(
        .init(weight: producer.weight, fractions: fractions, damages: damages))
      try AtomicOutput.write(PlanFile.encode(result), to: file.path)
    }
    return result
  }

  /// The model and how far others are from it.
  private struct Subject {
    private let run: SensitivityRun
    private let shapes: [String: [Int]]
    private let outputs: [[String: Tensor]]
    private let score: Double

    init(_ run: SensitivityRun, _ shapes: [String: [Int]]) throws {
      (self.run, self.shapes) = (run, shapes)
      outputs = try run.measure == .output ? Self.outputs(run.graph, run, shapes) : []
      score = try run.measure == .map ? run.score(run.graph) : 0
    }

    private static func outputs(
      _ graph: Graph, _ run: SensitivityRun, _ shapes: [String: [Int]]
    ) throws -> [[String: Tensor]] {
      let session = try Session(
        graph, registry: .standard,
        options: SessionOptions(
          threads: run.common.threadCount, inputShapes: shapes, passes: StandardRewrites.inference))
      return try (0..<run.images.count).map { try session.run(run.images.feed($0)) }
    }

    /// The mean over outputs and images of `Σ (y − y₀)² / Σ (y₀ − ȳ₀)²`, or the loss of mAP.
    func damage(_ graph: Graph) throws -> Double {
      guard run.measure == .output else { return max(0, score - (try run.score(graph))) }
      var (sum, count) = (0.0, 0)
      for (expected, found) in zip(outputs, try Self.outputs(graph, run, shapes)) {
        for (name, tensor) in expected {
          guard let other = found[name] else { continue }
          let (a, b) = (tensor.doubles, other.doubles)
          let mean = a.reduce(0, +) / Double(max(a.count, 1))
          let variation = a.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
          let error = zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
          sum += variation > 0 ? error / variation : 0
          count += 1
        }
      }
      return count == 0 ? 0 : sum / Double(count)
    }
  }

  /// The mAP of a graph.
  fileprivate func score(_ graph: Graph) throws -> Double {
    guard let labelled else { throw CommandError(.usage, "--measure mAP needs --data") }
    let workers = max(1, min(common.threadCount, labelled.images.count))
    let detectors = try (0..<workers).map { _ in
      try Detector(
        SessionRuntime(graph, threads: 1, inputShapes: try head.parsedShapes()), graph: graph,
        settings: try head.settings())
    }
    let evaluation = try DetectorEvaluation(
      detectors, on: labelled, pool: ThreadPool(threads: common.threadCount))
    return max(0, evaluation.summary.values.first ?? 0)
  }
}

extension ChannelSensitivity {
  /// The most and the least sensitive layers' curves.
  var figure: Figure {
    let order = curves.sorted { ($1.damages.last ?? 0) < ($0.damages.last ?? 0) }
    let chosen = order.count <= 8 ? order : Array(order.prefix(5) + order.suffix(3))
    return Figure([
      LineChart(
        title: "Sensitivity to the loss of channels (\(method))",
        xTitle: "fraction of a layer's channels removed",
        yTitle: measure == "mAP" ? "loss of mAP" : "relative error of the outputs",
        series: chosen.map { curve in
          .init(
            name: String(curve.weight.suffix(28)),
            points: [(0, 0)] + zip(curve.fractions, curve.damages).map { ($0, $1) }, hasMarks: true)
        })
    ])
  }

  /// The damages of all layers as a table for people.
  var text: String {
    var table = Table(
      [("layer", .left)] + (curves.first?.fractions ?? []).map { (Format.percent($0), .right) })
    for curve in curves {
      table.append(
        [String(curve.weight.suffix(44))] + curve.damages.map { String(format: "%.4f", $0) })
    }
    return table.text
  }
}
