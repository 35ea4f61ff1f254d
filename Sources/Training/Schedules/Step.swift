import Foundation

extension LearningRateSchedule {
  /// Multiplied by `gamma` at each milestone.
  public static func step(
    milestones: [Double] = [0.6, 0.85], gamma: Double = 0.1
  ) -> LearningRateSchedule {
    LearningRateSchedule(name: "step", summary: "a tenth at 60 % and again at 85 % of the time") {
      time in pow(gamma, Double(milestones.count { time >= $0 }))
    }
  }
}
