/// How sparsity grows while a network trains.
public struct SparsitySchedule: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the schedule comes from.
  public var citation: String
  /// The sparsity at a time, for a given final sparsity.
  ///
  /// The time is 0 at the first step and 1 at the end of training.
  public var sparsity: @Sendable (_ time: Double, _ final: Double) -> Double

  /// The kinds of schedules.
  public enum Kind: String, CaseIterable, Codable, Sendable {
    /// All at once, before training.
    case oneShot = "one-shot"
    /// A cubic curve (automated gradual pruning).
    case agp
    /// Rounds of pruning and training.
    case iterative
  }

  /// Every schedule at its default settings, by which help and error texts list them.
  public static let all: [SparsitySchedule] = [.oneShot, .agp(), .iterative()]

  /// The schedule with a name, at its default settings.
  public static func named(_ name: String) -> SparsitySchedule? { all.first { $0.name == name } }
}
