extension LearningRateSchedule {
  /// A straight line from 1 to `final`.
  public static func linear(final: Double = 0.01) -> LearningRateSchedule {
    LearningRateSchedule(name: "linear", summary: "a straight line from the rate to its end") {
      1 + (final - 1) * $0
    }
  }
}
