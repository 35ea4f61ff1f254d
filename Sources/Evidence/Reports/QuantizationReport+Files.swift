import Formats
import Foundation
import Quantize
import Reports

extension QuantizationReport {
  /// The report of the damages of layers that are quantised alone.
  public init(_ damages: [PrecisionSearch.LayerDamage]) {
    self.init(
      layers: damages.map { .init(name: $0.layer, error: $0.damage, isKept: $0.isKept) })
  }

  /// Writes table and figure into a folder.
  ///
  /// Writes nothing when no layer was measured.
  ///
  /// - Throws: `FormatError` when something cannot be written.
  public func write(to folder: String) throws {
    guard !layers.isEmpty else { return }
    let figures = URL(filePath: folder).appending(path: "figures")
    try OutputFolder.make(figures)
    try AtomicFile.write(
      csv, to: URL(filePath: folder).appending(path: "quantization.csv"))
    try figure.write(to: figures, name: "quantization")
  }
}
