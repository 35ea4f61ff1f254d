import Foundation

/// The damage of removing channels of each layer alone.
public struct ChannelSensitivity: Codable, Sendable, Equatable {
  /// The damage at ascending fractions of a layer's channels.
  public struct Curve: Codable, Sendable, Equatable {
    /// The layer's weights.
    public var weight: String
    /// The fractions of its channels that were removed.
    public var fractions: [Double]
    /// The damage at each fraction.
    public var damages: [Double]

    /// A curve that starts at no damage for nothing removed.
    public init(weight: String, fractions: [Double], damages: [Double]) {
      (self.weight, self.fractions, self.damages) = (weight, fractions, damages)
    }

    /// The largest fraction up to which no damage exceeds a level.
    public func fraction(atDamage level: Double) -> Double {
      var (fraction, damage) = (0.0, 0.0)
      for (next, more) in zip(fractions, damages) {
        guard more <= level else {
          let part = more > damage ? (level - damage) / (more - damage) : 0
          return fraction + max(0, part) * (next - fraction)
        }
        (fraction, damage) = (next, more)
      }
      return fraction
    }
  }

  /// The version of this layout.
  public var schemaVersion = 1
  /// The measure of damage: `output` for the relative error of the outputs, `mAP` for the loss of
  /// mAP.
  public var measure: String
  /// The criterion that chose the channels.
  public var method: String
  /// What identifies the model.
  public var fingerprint: String
  /// The layers measured so far.
  public var curves: [Curve]

  /// Measurements of a model.
  public init(measure: String, method: String, fingerprint: String, curves: [Curve] = []) {
    (self.measure, self.method) = (measure, method)
    (self.fingerprint, self.curves) = (fingerprint, curves)
  }

  /// The curves by the index of the producer.
  public func byProducer(of coupling: ChannelCoupling) -> [Int: Curve] {
    let known = Dictionary(curves.map { ($0.weight, $0) }, uniquingKeysWith: { first, _ in first })
    return coupling.producers.enumerated().reduce(into: [:]) { result, producer in
      result[producer.offset] = known[producer.element.weight]
    }
  }
}

extension Double {
  /// This number raised to a power.
  func power(_ exponent: Double) -> Double { pow(self, exponent) }
}
