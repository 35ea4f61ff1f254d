import Foundation

extension SparsitySchedule {
  /// Prune, retrain, and again: after each of `rounds` equal parts of training the same fraction of what is left goes,
  /// `s(r) = 1 − (1 − s_f)^(r / rounds)`; the first round prunes before the first step.
  ///
  /// Reference: Han et al., *Learning both Weights and Connections*, NIPS 2015, arXiv:1506.02626, which prunes by a
  /// threshold where this meets a sparsity.
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
