import Foundation

extension SparsitySchedule {
  /// Grows fast at first, when many weights are redundant, and slowly towards the end.
  ///
  /// `s(t) = s_f + (s_i − s_f)·(1 − (t − t₀)/(t₁ − t₀))³`.
  ///
  /// - Parameters:
  ///   - initial: The sparsity at `begin`.
  ///   - begin: When pruning starts, as a fraction of training.
  ///   - end: When the final sparsity is reached.
  ///
  /// Reference: Zhu and Gupta, *To prune, or not to prune*, ICLR 2018 workshop, arXiv:1710.01878.
  /// Masked weights stay masked.
  public static func agp(
    initial: Double = 0, begin: Double = 0.05, end: Double = 0.7
  ) -> SparsitySchedule {
    SparsitySchedule(
      name: "agp", summary: "gradually, along a cubic curve, while training",
      citation: "Zhu and Gupta, ICLR 2018 workshop, arXiv:1710.01878",
      sparsity: { time, final in
        if time < begin { return 0 }
        let part = end > begin ? min(1, (time - begin) / (end - begin)) : 1
        return final + (min(initial, final) - final) * pow(1 - part, 3)
      })
  }
}
