import Formats
import Foundation
import Prune
import Reports

extension ChannelReport {
  /// The report of an outcome of channel pruning.
  public init(_ outcome: ChannelPruning.Outcome) {
    self.init(
      layers: outcome.plan.layers.map {
        .init(
          name: $0.weight, channels: $0.channels, removed: $0.removed.count, frozen: $0.frozen)
      },
      refits: outcome.reconstruction.map {
        .init(name: $0.label, errorBefore: $0.errorBefore, errorAfter: $0.errorAfter)
      },
      scales: outcome.scales.filter { !$0.values.isEmpty }.map {
        .init(name: $0.stage, values: $0.values)
      })
  }

  /// Writes tables and figures into a folder.
  ///
  /// - Throws: `FormatError` when something cannot be written.
  public func write(to folder: String) throws {
    let url = URL(filePath: folder)
    let figures = url.appending(path: "figures")
    try OutputFolder.make(figures)
    try AtomicFile.write(layersCSV, to: url.appending(path: "channels.csv"))
    if !refits.isEmpty {
      try AtomicFile.write(refitsCSV, to: url.appending(path: "reconstruction.csv"))
      try refitsFigure.write(to: figures, name: "reconstruction")
    }
    if !scales.isEmpty {
      try scalesFigure.write(to: figures, name: "scales")
    }
  }
}
