/// A bound on the loss of mAP.
public struct AccuracyDrop: Sendable, Equatable {
  /// What a bound counts in.
  public enum Unit: String, CaseIterable, Codable, Sendable {
    /// Points of mAP, from 0 to 1.
    case absolute
    /// A fraction of the float model's mAP.
    case relative
  }

  /// The most that may be lost.
  public var most: Double
  /// What that counts in.
  public var unit: Unit

  /// A bound in a unit.
  public init(_ most: Double, _ unit: Unit = .absolute) { (self.most, self.unit) = (most, unit) }

  /// The bound in points of mAP.
  ///
  /// - Parameter score: The float model's mAP.
  public func points(of score: Double) -> Double {
    unit == .relative ? most * score : most
  }
}
