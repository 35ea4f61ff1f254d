import Compression
import Tensors
import TestSupport
import Testing

/// Moments of positions that do not count alike.
@Suite struct PatchMomentsTests {
  private let pool = ThreadPool(threads: 1)
  private let depth = 4
  private let outputs = 2

  private func rows(_ count: Int, of width: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count * width).map { _ in Float.random(in: -1...1, using: &random) }
  }

  /// A position of weight 2 is one that is there twice.
  @Test func weightsAreRepetitions() {
    let (x, y) = (rows(9, of: depth, seed: 1), rows(9, of: outputs, seed: 2))
    var weighted = PatchMoments(depth: depth, outputs: outputs)
    weighted.add(
      patches: x, responses: y, weights: (0..<9).map { $0 % 3 == 0 ? 2 : 1 }, pool: pool)
    var repeated = PatchMoments(depth: depth, outputs: outputs)
    repeated.add(patches: x, responses: y, pool: pool)
    for row in stride(from: 0, to: 9, by: 3) {
      repeated.add(
        patches: Array(x[row * depth..<(row + 1) * depth]),
        responses: Array(y[row * outputs..<(row + 1) * outputs]), pool: pool)
    }
    #expect(weighted.mass == 12 && repeated.mass == 12 && repeated.count == 12)
    let weights = rows(outputs, of: depth, seed: 3)
    let pairs: [([Double], [Double])] = [
      (weighted.centredPatches([0, 2, 3]), repeated.centredPatches([0, 2, 3])),
      (weighted.centredResponses([1, 2]), repeated.centredResponses([1, 2])),
      (weighted.responseVariations, repeated.responseVariations),
      (
        weighted.intercept(weights: weights).map(Double.init),
        repeated.intercept(weights: weights).map(Double.init)
      ),
      (
        [weighted.squaredError(weights: weights, intercept: [0.5, -1])],
        [repeated.squaredError(weights: weights, intercept: [0.5, -1])]
      ),
    ]
    for (one, other) in pairs { #expect(normalizedMaxError(one, other) < 1e-5) }
  }
}
