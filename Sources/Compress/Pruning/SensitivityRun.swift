import Foundation
import GraphIR
import ObjectDetection
import Operators
import Prune
import Reports

/// Measures what the loss of channels of each layer alone does to a model; goes on where a file left off.
struct SensitivityRun {
  var graph: Graph
  var criterion: ChannelCriterion
  var measure: DamageMeter.Measure
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
    if let known = try JSONFile.readState(
      ChannelSensitivity.self, from: file.path, kind: "file of --sensitivity"),
      known.fingerprint == result.fingerprint, known.method == result.method,
      known.measure == result.measure,
      known.curves.allSatisfy({ $0.fractions == fractions })
    {
      result = known
      common.logger.notice("\(known.curves.count) layers are taken from \(file.relativePath)")
    }
    let meter = try DamageMeter(
      graph, measure: measure, images: images, labelled: labelled, head: head, common: common)
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
        return removed.isEmpty ? 0 : try meter.damage(coupling.removing(removed).graph)
      }
      result.curves.append(
        .init(weight: producer.weight, fractions: fractions, damages: damages))
      try AtomicOutput.write(PlanFile.encode(result), to: file.path)
    }
    return result
  }
}

extension ChannelSensitivity {
  /// The most and the least sensitive layers' curves.
  var figure: Figure {
    let order = curves.sorted { ($1.damages.last ?? 0) < ($0.damages.last ?? 0) }
    let (most, least) = (4, 3)
    let isPart = order.count > most + least
    let chosen = isPart ? Array(order.prefix(most) + order.suffix(least)) : order
    let part =
      isPart ? ", the \(most) most and \(least) least sensitive of \(order.count) layers" : ""
    return Figure([
      LineChart(
        title: "Sensitivity to the loss of channels (\(method))\(part)",
        xTitle: "fraction of a layer's channels removed",
        yTitle: measure == "mAP" ? "loss of mAP" : "relative error of the outputs",
        series: chosen.map { curve in
          .init(
            name: LayerName.short(curve.weight, most: 28),
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
