import Tensors

/// Two stages from the singular vectors of one unfolding of the weights.
struct SpectralFactorization: Factorization {
  /// The unfolding's factors, `[rows, count]` and `[count, columns]`.
  let factors: SingularFactors
  /// The stages of a rank.
  let shape: @Sendable (Int) -> [FactorStage]
  /// The stages' weights from the factors `[rows, r]` and `[r, columns]`.
  let split: @Sendable (_ left: [Float], _ right: [Float], _ rank: Int) -> [[Float]]

  var ranks: [[Int]] { (1...factors.count).map { [$0] } }
  var spectra: [[Double]] { [factors.values] }

  /// The rank by variational Bayes, see ``VariationalBayesRank``.
  func automaticRank() -> [Int] {
    [
      max(
        1,
        VariationalBayesRank.rank(
          factors.values, rows: factors.rows, columns: factors.columns))
    ]
  }

  func stages(_ rank: [Int]) -> [FactorStage] { shape(rank[0]) }

  func reconstructionError(_ rank: [Int]) -> Double { factors.error(rank: rank[0]) }

  func factors(_ rank: [Int]) -> LayerFactors {
    let (left, right) = factors.balanced(rank: rank[0])
    return LayerFactors(shape(rank[0]), weights: split(left, right, rank[0]))
  }

  func exactFactors() -> LayerFactors { factors([factors.count]) }
}
