/// How a target sparsity is distributed over layers.
public struct SparsityScope: Sendable {
  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the rule comes from.
  public var citation: String
  /// The weights to zero in each layer, `total` in all.
  ///
  /// Arguments: the layers, the number of weights to zero. Results are in `0...layer.count`. With
  /// blocks the sum may be less than `total` by less than a block.
  var allocate: @Sendable ([ScopedLayer], Int) -> [Int]
  /// Whether the damage of zeros must be measured before.
  public var needsLadders = false

  /// Every scope, in the order of help and error texts.
  public static let all: [SparsityScope] = [.global, .local, .erdosRenyiKernel, .lamp, .measured]

  /// The scope with a name.
  public static func named(_ name: String) -> SparsityScope? { all.first { $0.name == name } }
}

/// A layer as a scope sees it.
struct ScopedLayer {
  /// The shape of the weight.
  var shape: [Int]
  /// The weights that may be zeroed.
  var count: Int
  /// The units with their scores.
  var units: WeightUnits
  /// The damage of zeros; `nil` where it was not measured.
  var ladder: SparsityLadder?
}

extension [Double] {
  /// Integers with the sum `total`: these numbers rounded down, with the largest remainders rounded
  /// up.
  ///
  /// - Parameter limits: the upper bound of each number.
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
