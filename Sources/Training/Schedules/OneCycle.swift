import Foundation

extension LearningRateSchedule {
  /// Up from `start` to 1 in the first `rise` of the time, then down to `final`, both by half a cosine.
  ///
  /// Reference: Smith and Topin, *Super-Convergence*, 2018, arXiv:1708.07120. Momentum is left alone, and the last phase
  /// has no further drop.
  public static func oneCycle(
    start: Double = 0.04, rise: Double = 0.3, final: Double = 0.001
  ) -> LearningRateSchedule {
    LearningRateSchedule(name: "one-cycle", summary: "up for 30 % of the time, then down") { time in
      let (from, to, part) =
        time < rise ? (start, 1, time / rise) : (1, final, (time - rise) / (1 - rise))
      return to + (from - to) * (1 + cos(.pi * part)) / 2
    }
  }
}
