import Compression
import Prune
import Tensors
import TestSupport
import Testing

/// The elimination of a layer's inputs against a plain solution and by exact properties.
@Suite struct ReaderEliminationTests {
  private static let (depth, outputs, rows, ridge) = (8, 3, 400, 1e-3)
  private let pool = ThreadPool(threads: 1)

  /// Patches whose elements correlate, and the responses of a layer to them.
  ///
  /// - Parameter edit: Alters a patch.
  private func problem(
    seed: UInt64 = 3, _ edit: (inout [Float]) -> Void = { _ in }
  ) -> (moments: PatchMoments, weights: [Float]) {
    var random = SplitMix64(seed: seed)
    func number() -> Float { Float.random(in: -1...1, using: &random) }
    let weights = (0..<Self.outputs * Self.depth).map { _ in number() }
    var (x, y): ([Float], [Float]) = ([], [])
    for _ in 0..<Self.rows {
      let common = number()
      var patch = (0..<Self.depth).map { Float($0) * 0.1 * common + number() + 0.5 }
      edit(&patch)
      x += patch
      for output in 0..<Self.outputs {
        y.append(
          patch.indices.reduce(0.25) { $0 + weights[output * Self.depth + $1] * patch[$1] })
      }
    }
    var moments = PatchMoments(depth: Self.depth, outputs: Self.outputs)
    moments.add(patches: x, responses: y, pool: pool)
    return (moments, weights)
  }

  /// H by its definition.
  private func curvature(_ moments: PatchMoments) -> [[Double]] {
    let n = Double(moments.count)
    let gram = moments.centredPatches(Array(0..<Self.depth)).map { $0 / n }
    let mean = (0..<Self.depth).reduce(0) { $0 + gram[$1 * Self.depth + $1] } / Double(Self.depth)
    return (0..<Self.depth).map { row in
      (0..<Self.depth).map { gram[row * Self.depth + $0] + ($0 == row ? Self.ridge * mean : 0) }
    }
  }

  /// The solution of `A x = b` by elimination without pivots.
  private func solve(_ a: [[Double]], _ b: [Double]) -> [Double] {
    var (a, b) = (a, b)
    for pivot in b.indices {
      for row in b.indices where row != pivot {
        let factor = a[row][pivot] / a[pivot][pivot]
        for column in b.indices { a[row][column] -= factor * a[pivot][column] }
        b[row] -= factor * b[pivot]
      }
    }
    return b.indices.map { b[$0] / a[$0][$0] }
  }

  @Test(arguments: [[2], [0, 5], [1, 3, 4, 7]])
  func itIsTheLeastSquaresSolution(gone: [Int]) throws {
    let (moments, weights) = problem()
    var state = try #require(ReaderElimination(moments, weights: weights, ridge: Self.ridge))
    let foretold = state.cost(of: gone)
    state.eliminate(gone)
    let h = curvature(moments)
    let left = (0..<Self.depth).filter { !gone.contains($0) }
    var lost = 0.0
    for output in 0..<Self.outputs {
      let old = (0..<Self.depth).map { Double(weights[output * Self.depth + $0]) }
      // The gradient of (w − w₀)ᵀ H (w − w₀) is zero at the elements that are left.
      let change = solve(
        left.map { row in left.map { h[row][$0] } },
        left.map { row in gone.reduce(0) { $0 + h[row][$1] * old[$1] } })
      var difference = old.map { -$0 }
      for (place, value) in zip(left, change) { difference[place] = value }
      for (place, value) in zip(left, change) {
        let found = Double(state.weights[output * Self.depth + place])
        #expect((found - old[place] - value).magnitude < 1e-4)
      }
      for place in gone { #expect(state.weights[output * Self.depth + place] == 0) }
      for row in 0..<Self.depth {
        lost += (0..<Self.depth).reduce(0) { $0 + difference[row] * h[row][$1] * difference[$1] }
      }
    }
    let share = lost / (moments.responseVariation / Double(moments.count))
    #expect((state.lost - share).magnitude < 1e-6 * max(share, 1))
    #expect((foretold - share).magnitude < 1e-6 * max(share, 1))
  }

  @Test func stepsAddUpToOne() throws {
    let (moments, weights) = problem()
    var (one, steps) = (
      try #require(ReaderElimination(moments, weights: weights, ridge: Self.ridge)),
      try #require(ReaderElimination(moments, weights: weights, ridge: Self.ridge))
    )
    one.eliminate([1, 4, 6])
    for place in [6, 1, 4] { steps.eliminate([place]) }
    #expect((one.lost - steps.lost).magnitude < 1e-9)
    for (a, b) in zip(one.weights, steps.weights) { #expect((a - b).magnitude < 1e-5) }
  }

  @Test func aCopyCostsNothingAndThenMuch() throws {
    let (moments, weights) = problem { $0[5] = $0[2] }
    var state = try #require(ReaderElimination(moments, weights: weights, ridge: Self.ridge))
    let (first, other) = (state.cost(of: [5]), state.cost(of: [0]))
    #expect(first < 1e-2 * other)
    state.eliminate([5])
    #expect(state.cost(of: [2]) > 0.1 * other)
  }

  @Test func whereInputsAreIndependentTheSmallestContributionCostsLeast() throws {
    // A full factorial design: the centred elements are exactly uncorrelated.
    var (x, y): ([Float], [Float]) = ([], [])
    let weights: [Float] = [0.3, -2, 1, 0.5, 0.1, 4, -0.7, 1.5]
    for row in 0..<256 {
      let patch = (0..<8).map { Float(row >> $0 & 1) * ($0 == 5 ? 0.01 : 1) }
      x += patch
      y.append(zip(patch, weights).reduce(0) { $0 + $1.0 * $1.1 })
    }
    var moments = PatchMoments(depth: 8, outputs: 1)
    moments.add(patches: x, responses: y, pool: pool)
    let state = try #require(ReaderElimination(moments, weights: weights, ridge: 1e-9))
    let whole = moments.responseVariation / 256
    for place in 0..<8 {
      let variance = (place == 5 ? 1e-4 : 1) / 4
      let contribution = Double(weights[place] * weights[place]) * variance / whole
      #expect((state.cost(of: [place]) - contribution).magnitude < 1e-6)
    }
  }

  @Test func anOutputThatCountsAloneIsJudgedAlone() throws {
    let (moments, weights) = problem()
    let last = Array(weights[(Self.outputs - 1) * Self.depth..<Self.outputs * Self.depth])
    let whole = try #require(
      ReaderElimination(
        moments, weights: weights, ridge: Self.ridge, importance: [0, 0, 5]))
    for place in 0..<Self.depth {
      let expected = squaredLoss(of: place, weights: last, moments)
      #expect(abs(whole.cost(of: [place]) / expected - 1) < 1e-4)
    }
  }

  /// `w² / [H⁻¹]` as a share of the variation of the last output.
  private func squaredLoss(of place: Int, weights: [Float], _ moments: PatchMoments) -> Double {
    var unit = [Double](repeating: 0, count: Self.depth)
    unit[place] = 1
    let w = Double(weights[place])
    let variation = moments.responseVariations[Self.outputs - 1] / Double(moments.count)
    return w * w / solve(curvature(moments), unit)[place] / variation
  }

  @Test func importanceAltersNoSolution() throws {
    let (moments, weights) = problem()
    var plain = try #require(
      ReaderElimination(moments, weights: weights, ridge: Self.ridge))
    var weighted = try #require(
      ReaderElimination(moments, weights: weights, ridge: Self.ridge, importance: [1, 1e-3, 40]))
    plain.eliminate([1, 6])
    weighted.eliminate([1, 6])
    #expect(
      normalizedMaxError(weighted.weights.map(Double.init), plain.weights.map(Double.init)) < 1e-5)
  }
}
