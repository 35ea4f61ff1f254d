import Foundation
import Compression
import Prune
import TestSupport
import Tensors
import Testing

/// The sparse least squares of one layer, against NumPy and by its own conditions.
@Suite struct SparseReconstructionTests {
  /// See `Tools/goldens/second_order.py`.
  private struct Golden: Decodable {
    struct Case: Decodable {
      var pattern: String
      var weights: [Double]
      var error: Double
    }

    var channels: Int
    var kernel: Int
    var outputs: Int
    var kept: Int
    var x: [Float]
    var y: [Float]
    var w: [Float]
    var cases: [Case]
    var oneByOne: Double
  }

  private let golden: Golden
  private let pool = ThreadPool(threads: 2)

  init() throws {
    golden = try JSONDecoder().decode(
      Golden.self,
      from: Data(
        contentsOf: SharedAssets.package.appending(path: "Tests/Goldens/SecondOrder/layer.json")))
  }

  private func moments(_ x: [Float], _ y: [Float], depth: Int, outputs: Int) -> PatchMoments {
    var moments = PatchMoments(depth: depth, outputs: outputs)
    moments.add(patches: x, responses: y, pool: pool)
    return moments
  }

  private func solved(pattern: SparsityPattern, kept: Int) throws -> SparseReconstruction {
    let depth = golden.channels * golden.kernel
    return try SparseReconstruction(
      [moments(golden.x, golden.y, depth: depth, outputs: golden.outputs)], weights: golden.w,
      channels: golden.channels, keeping: kept, pattern: pattern, pool: pool)
  }

  @Test(arguments: 0..<3) func weightsAreThoseOfNumPy(index: Int) throws {
    let expected = golden.cases[index]
    let pattern = try #require(SparsityPattern(expected.pattern))
    let found = try solved(pattern: pattern, kept: golden.kept)
    let zeros = (expected.weights.map { $0 == 0 }, found.weights.map { $0 == 0 })
    #expect(zeros.0 == zeros.1)
    #expect(
      normalizedMaxError(found.weights.map(Double.init), expected.weights)
        < Tolerance.network.bound)
    #expect(abs(found.error - expected.error) < Tolerance.network.bound * expected.error)
  }

  @Test func theErrorIsThatOfRemovingOneWeightAfterTheOther() throws {
    let found = try solved(pattern: .unstructured, kept: golden.kept)
    #expect(found.error <= golden.oneByOne * 1.01)
    #expect(found.error < found.errorUnfitted)
  }

  @Test func everythingKeptIsTheLayerItself() throws {
    let found = try solved(pattern: .unstructured, kept: golden.w.count)
    #expect(normalizedMaxError(found.weights, golden.w) < Tolerance.network.bound)
    #expect(found.error < Tolerance.network.bound)
    for value in found.intercept { #expect(abs(value - 3) < 0.01) }
  }

  /// Inputs that do not correlate and are equally strong leave nothing to make up for.
  @Test func orthogonalInputsGiveMagnitudePruning() throws {
    let depth = 16
    // The rows of a Hadamard matrix, each column the same strength, and their negatives, so that
    // means are zero.
    let rows = (0..<depth).map { row in
      (0..<depth).map { Float((row & $0).nonzeroBitCount.isMultiple(of: 2) ? 1 : -1) }
    }
    let x = (rows + rows.map { $0.map(-) }).flatMap { $0 }
    var random = SplitMix64(seed: 5)
    let w = (0..<4 * depth).map { _ in Float.random(in: -1...1, using: &random) }
    let y = (0..<2 * depth).flatMap { row in
      (0..<4).map { output in
        (0..<depth).reduce(Float(0)) { $0 + x[row * depth + $1] * w[output * depth + $1] }
      }
    }
    let kept = 20
    let found = try SparseReconstruction(
      [moments(x, y, depth: depth, outputs: 4)], weights: w, channels: depth, keeping: kept,
      pool: pool)
    let bound = w.map(\.magnitude).sorted(by: >)[kept - 1]
    let expected = w.map { $0.magnitude >= bound ? $0 : 0 }
    #expect(normalizedMaxError(found.weights, expected) < Tolerance.network.bound)
  }

  @Test func groupsAreSolvedTogether() throws {
    // Two groups, the second with inputs that never vary: its weights go first.
    var random = SplitMix64(seed: 7)
    let x = (0..<100 * 4).map { _ in Float.random(in: -1...1, using: &random) }
    let w: [Float] = [0.1, 0.2, 0.3, 0.4]
    let y = (0..<100).map { row in (0..<4).reduce(Float(0)) { $0 + x[row * 4 + $1] * w[$1] } }
    let silent = moments(
      [Float](repeating: 1, count: 400), [Float](repeating: 2, count: 100), depth: 4, outputs: 1)
    let found = try SparseReconstruction(
      [moments(x, y, depth: 4, outputs: 1), silent], weights: w + [9, 9, 9, 9], channels: 4,
      keeping: 4, pool: pool)
    #expect(
      normalizedMaxError(Array(found.weights.prefix(4)), w) < Tolerance.finiteDifference.bound)
    #expect(found.weights.suffix(4).allSatisfy { $0 == 0 })
    #expect(abs(found.intercept[1] - 2) < 1e-5)
  }

  @Test func numbersThatAreNotFiniteAreRefused() {
    #expect(throws: LinearAlgebraError.self) {
      _ = try SparseReconstruction(
        [moments([.nan, 1, 2, 3], [1, 2], depth: 2, outputs: 1)], weights: [1, 1], channels: 2,
        keeping: 1, pool: pool)
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func asManyStayAsAreAskedFor(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let count = Int.random(in: 1...300, using: &random)
    // Few different magnitudes, so that there are ties, and zeros.
    let values = (0..<count).map { _ in Float(Int.random(in: -3...3, using: &random)) * 0.25 }
    let kept = Int.random(in: 0...count, using: &random)
    let stays = SparsityProjection(
      pattern: .unstructured, outputs: 1, channels: count, kernel: 1, kept: kept)(values)
    #expect(stays.count { $0 } == kept)
    let least = zip(values, stays).filter(\.1).map(\.0.magnitude).min() ?? .infinity
    let most = zip(values, stays).filter { !$0.1 }.map(\.0.magnitude).max() ?? 0
    #expect(least >= most)
  }
}
