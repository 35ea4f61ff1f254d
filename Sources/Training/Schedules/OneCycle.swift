import Foundation

extension LearningRateSchedule {
  /// Rises from `start` to 1 in the fraction `rise` of the time, then falls to `final`, both along
  /// half a cosine.
  ///
  /// Reference: Smith and Topin, *Super-Convergence*, 2018, arXiv:1708.07120. Differs from the
  /// paper: momentum stays constant, and there is no last phase with a further drop.
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
