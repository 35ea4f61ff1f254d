import Foundation

/// The part of a report about removed channels: tables of layers and the scales of normalisations.
public struct ChannelReport: Sendable {
  /// One layer that makes channels.
  public struct ChannelRow: Sendable {
    /// The name of its weights.
    public var name: String
    /// Its channels before.
    public var channels: Int
    /// The channels that were removed.
    public var removed: Int
    /// The channels that could not be removed.
    public var frozen: Int

    /// A layer's channels.
    public init(name: String, channels: Int, removed: Int, frozen: Int) {
      (self.name, self.channels) = (name, channels)
      (self.removed, self.frozen) = (removed, frozen)
    }
  }

  /// One layer whose weights were refitted.
  public struct Refit: Sendable {
    /// The layer.
    public var name: String
    /// The relative squared error of its responses when channels are removed without refitting.
    public var errorBefore: Double
    /// The same after its weights are refitted.
    public var errorAfter: Double

    /// The errors of a layer.
    public init(name: String, errorBefore: Double, errorAfter: Double) {
      (self.name, self.errorBefore, self.errorAfter) = (name, errorBefore, errorAfter)
    }
  }

  /// The absolute scales of all batch normalisations at one stage.
  public struct Scales: Sendable {
    /// The name of the stage.
    public var name: String
    /// The scales.
    public var values: [Double]

    /// The scales at a stage.
    public init(name: String, values: [Double]) { (self.name, self.values) = (name, values) }
  }

  /// The layers, in order.
  public var layers: [ChannelRow]
  /// The refitted layers, in order; empty without.
  public var refits: [Refit]
  /// Scales at successive stages; empty for models without batch normalisations.
  public var scales: [Scales]

  /// A report of the given parts.
  public init(layers: [ChannelRow], refits: [Refit] = [], scales: [Scales] = []) {
    (self.layers, self.refits, self.scales) = (layers, refits, scales)
  }

  /// The layers as comma-separated values.
  public var layersCSV: Data {
    CSV.data(
      [["layer", "channels", "removed", "left", "frozen"]]
        + layers.map {
          [
            $0.name, "\($0.channels)", "\($0.removed)", "\($0.channels - $0.removed)",
            "\($0.frozen)",
          ]
        })
  }

  /// The refitted layers as comma-separated values.
  public var refitsCSV: Data {
    CSV.data(
      [["layer", "errorDropped", "errorRefitted"]]
        + refits.map { [$0.name, CSV.number($0.errorBefore), CSV.number($0.errorAfter)] })
  }

  /// The histogram of scales, one line for each stage.
  public var scalesFigure: Figure {
    let largest = max(scales.flatMap(\.values).max() ?? 1, 1e-12)
    let series = scales.map { stage -> LineChart.Series in
      var counts = [Int](repeating: 0, count: Self.bins)
      for value in stage.values {
        counts[min(Self.bins - 1, Int(value / largest * Double(Self.bins)))] += 1
      }
      return LineChart.Series(
        name: stage.name,
        points: counts.enumerated().map {
          ((Double($0.offset) + 0.5) / Double(Self.bins) * largest, Double($0.element))
        })
    }
    return Figure([
      LineChart(
        title: "Scales of batch normalisations", xTitle: "|γ|",
        yTitle: "channels in each of \(Self.bins) bins", series: series)
    ])
  }

  private static let bins = 40

  /// The error of each refitted layer, before and after refitting.
  public var refitsFigure: Figure {
    func points(_ error: (Refit) -> Double) -> [(x: Double, y: Double)] {
      refits.enumerated().map { (Double($0.offset + 1), error($0.element)) }
    }
    return Figure([
      LineChart(
        title: "Reconstruction of responses", xTitle: "refitted layer, in order",
        yTitle: "relative squared error",
        series: [
          .init(name: "channels dropped", points: points(\.errorBefore)),
          .init(name: "weights refitted", points: points(\.errorAfter)),
        ], axis: .counted)
    ])
  }
}
