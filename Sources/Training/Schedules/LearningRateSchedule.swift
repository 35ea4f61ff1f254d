/// A factor of the learning rate that depends on the progress of training.
public struct LearningRateSchedule: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// The factor at a time between 0, the first step, and 1, the end.
  public var factor: @Sendable (_ time: Double) -> Double

  /// Every schedule with a given final factor.
  public static func all(final: Double) -> [LearningRateSchedule] {
    [.cosine(final: final), .linear(final: final), .step(), .oneCycle(final: final), .constant]
  }

  /// The schedule with a name.
  public static func named(_ name: String, final: Double) -> LearningRateSchedule? {
    all(final: final).first { $0.name == name }
  }

  /// The names of every schedule.
  public static let names = all(final: 0).map(\.name)
}

extension LearningRateSchedule {
  /// A constant rate.
  public static let constant = LearningRateSchedule(
    name: "constant", summary: "the same rate all along", factor: { _ in 1 })
}
