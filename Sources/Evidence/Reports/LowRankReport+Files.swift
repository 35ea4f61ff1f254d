import Formats
import Foundation
import LowRank
import Reports

extension LowRankReport {
  /// The report of an outcome of factorisation.
  public init(_ outcome: LowRankFactorization.Outcome) {
    self.init(
      layers: zip(outcome.plan.layers, outcome.spectra).map { layer, spectra in
        .init(
          name: layer.weight, method: layer.method, rank: layer.rank.text,
          error: layer.reconstructionError,
          parameters: (layer.parameters.before, layer.parameters.after),
          macs: (layer.macs.before, layer.macs.after),
          latency: layer.timing.map { ($0.before, $0.after) }, spectra: spectra)
      },
      refits: outcome.corrections.map {
        .init(name: $0.weight, errorBefore: $0.errorBefore, errorAfter: $0.errorAfter)
      }, skipped: outcome.plan.skipped.map { ($0.weight, $0.reason) })
  }

  /// Writes tables and figures into a folder.
  ///
  /// - Throws: `FormatError` when something cannot be written.
  public func write(to folder: String) throws {
    let url = URL(filePath: folder)
    let figures = url.appending(path: "figures")
    try OutputFolder.make(figures)
    try AtomicFile.write(csv, to: url.appending(path: "lowrank.csv"))
    if !refits.isEmpty {
      try AtomicFile.write(refitsCSV, to: url.appending(path: "reconstruction.csv"))
    }
    if layers.contains(where: { !$0.spectra.isEmpty }) {
      try spectraFigure.write(to: figures, name: "spectra")
    }
    try errorsFigure.write(to: figures, name: "lowrank")
    if !layers.isEmpty { try layersFigure.write(to: figures, name: "ranks") }
  }
}
