import Foundation

extension LearningRateSchedule {
  /// Half a cosine from 1 to `final`: `final + (1 − final)·(1 + cos πt) / 2`.
  ///
  /// Reference: Loshchilov and Hutter, *SGDR*, ICLR 2017, arXiv:1608.03983. Here it is one cycle
  /// without restarts.
  public static func cosine(final: Double = 0.01) -> LearningRateSchedule {
    LearningRateSchedule(name: "cosine", summary: "half a cosine from the rate to its end") {
      time in
      final + (1 - final) * (1 + cos(.pi * time)) / 2
    }
  }
}
