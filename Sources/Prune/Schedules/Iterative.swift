import Foundation

extension SparsitySchedule {
  /// Prunes and retrains in rounds.
  ///
  /// Each of `rounds` equal parts of training begins with pruning the same fraction of the
  /// remaining weights, so `s(r) = 1 − (1 − s_f)^(r / rounds)`. The first round prunes before the
  /// first step.
  ///
  /// Reference: Han et al., *Learning both Weights and Connections*, NIPS 2015, arXiv:1506.02626,
  /// which prunes by a threshold; here a sparsity is met.
  ///
  /// - Precondition: `rounds` is positive.
  public static func iterative(rounds: Int = 3) -> SparsitySchedule {
    precondition(rounds > 0)
    return SparsitySchedule(
      name: "iterative", summary: "prune and retrain in equal rounds",
      citation: "Han et al., NIPS 2015, arXiv:1506.02626",
      sparsity: { time, final in
        let round = min(rounds, Int(time * Double(rounds)) + 1)
        return 1 - pow(1 - final, Double(round) / Double(rounds))
      })
  }
}
