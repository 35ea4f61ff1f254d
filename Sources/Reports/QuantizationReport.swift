import Foundation

/// The part of a report about quantised layers: the effect of quantising each layer alone.
public struct QuantizationReport: Sendable {
  /// One layer that is quantised while all others stay float.
  public struct SensitivityRow: Sendable {
    /// The layer.
    public var name: String
    /// The relative squared error of the raw head maps.
    public var error: Double
    /// Whether it stays float.
    public var isKept: Bool

    /// The error of a layer.
    public init(name: String, error: Double, isKept: Bool) {
      (self.name, self.error, self.isKept) = (name, error, isKept)
    }
  }

  /// The layers, most harmful first.
  public var layers: [SensitivityRow]

  /// A report on the given layers.
  public init(layers: [SensitivityRow]) { self.layers = layers }

  /// The layers as comma-separated values.
  public var csv: Data {
    CSV.data(
      [["layer", "headMapError", "staysFloat"]]
        + layers.map { [$0.name, String(format: "%.6e", $0.error), $0.isKept ? "1" : "0"] })
  }

  /// The errors of the layers that do the most harm.
  public var figure: Figure {
    let shown = layers.prefix(Self.mostLayers)
    return Figure(
      [
        BarChart(
          title: "Quantisation error by layer", xTitle: "layers that do most harm, each alone",
          yTitle: "error of head maps (1/1000)",
          names: LayerName.distinct(shown.map(\.name)),
          groups: [
            ("integer", shown.map { $0.isKept ? nil : 1000 * $0.error }),
            ("stays float", shown.map { $0.isKept ? 1000 * $0.error : nil }),
          ])
      ], chartHeight: 280)
  }

  private static let mostLayers = 30
}
