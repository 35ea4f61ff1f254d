/// How a target sparsity is shared out among layers.
public struct SparsityScope: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the rule comes from.
  public var citation: String
  /// The weights to zero in each layer, `total` in all.
  ///
  /// Arguments: the layers, the number of weights to zero. Results lie in `0...layer.count`; with
  /// blocks the sum may fall short of `total` by less than a block.
  var allocate: @Sendable ([ScopedLayer], Int) -> [Int]
  /// Whether what zeros cost must be measured before.
  public var needsLadders = false

  /// Every scope, by which help and error texts list them.
  public static let all: [SparsityScope] = [.global, .local, .erdosRenyiKernel, .lamp, .measured]

  /// The scope of a name.
  public static func named(_ name: String) -> SparsityScope? { all.first { $0.name == name } }
}

/// What a scope may know of a layer.
struct ScopedLayer {
  /// The shape of the weight.
  var shape: [Int]
  /// The weights that may be zeroed.
  var count: Int
  /// The units with their scores.
  var units: WeightUnits
  /// What zeros cost; `nil` where that was not measured.
  var ladder: SparsityLadder?
}

extension [Double] {
  /// Whole numbers with the sum `total` that lie closest below these, the largest remainders
  /// rounded up.
  ///
  /// - Parameter limits: what each number may not exceed.
  func apportioned(_ total: Int, limits: [Int]) -> [Int] {
    var whole = zip(self, limits).map { Swift.min(Int($0.rounded(.down)), $1) }
    var missing = total - whole.reduce(0, +)
    let order = indices.sorted {
      let (a, b) = (self[$0] - self[$0].rounded(.down), self[$1] - self[$1].rounded(.down))
      return (b, $0) < (a, $1)
    }
    while missing > 0 {
      let before = missing
      for index in order where missing > 0 && whole[index] < limits[index] {
        whole[index] += 1
        missing -= 1
      }
      if missing == before { break }
    }
    return whole
  }
}
