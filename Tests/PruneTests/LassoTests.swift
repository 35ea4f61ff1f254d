import Foundation
import Compression
import Prune
import Tensors
import TestSupport
import Testing

/// LASSO and least squares on moments, against scikit-learn and NumPy and by their own conditions.
@Suite struct LassoTests {
  /// See `Tools/goldens/lasso.py`.
  private struct Golden: Decodable {
    struct Path: Decodable {
      var penalty: Double
      var beta: [Double]
    }

    var channels: Int
    var kernel: Int
    var outputs: Int
    var x: [Float]
    var y: [Float]
    var w: [Float]
    var gram: [Double]
    var paths: [Path]
    var kept: [Int]
    var solution: [Double]
    var error: Double
  }

  private let golden: Golden
  private let pool = ThreadPool(threads: 2)

  init() throws {
    golden = try JSONDecoder().decode(
      Golden.self,
      from: Data(
        contentsOf: SharedAssets.package.appending(path: "Tests/Goldens/Lasso/lasso.json")))
  }

  /// Moments of the golden positions, added in parts.
  private func moments(parts: Int = 1, copies: Int = 1) -> PatchMoments {
    let depth = golden.channels * golden.kernel
    var moments = PatchMoments(depth: depth, outputs: golden.outputs)
    let rows = golden.x.count / depth
    for _ in 0..<copies {
      for part in 0..<parts {
        let range = rows * part / parts..<rows * (part + 1) / parts
        moments.add(
          patches: Array(golden.x[range.lowerBound * depth..<range.upperBound * depth]),
          responses: Array(
            golden.y[range.lowerBound * golden.outputs..<range.upperBound * golden.outputs]),
          pool: pool)
      }
    }
    return moments
  }

  private func problem(_ moments: PatchMoments) -> LassoProblem {
    LassoProblem(moments, weights: golden.w, channels: golden.channels, pool: pool)
  }

  private func error(_ a: [Double], _ b: [Double]) -> Double {
    let scale = b.reduce(1e-12) { max($0, $1.magnitude) }
    return zip(a, b).reduce(0) { max($0, ($1.0 - $1.1).magnitude) } / scale
  }

  @Test func theGramMatrixIsThatOfTheDesignMatrix() {
    #expect(error(problem(moments()).gram, golden.gram) < 1e-5)
  }

  @Test func partsAddUpToTheWhole() {
    let (whole, parts) = (problem(moments()), problem(moments(parts: 7)))
    #expect(error(parts.gram, whole.gram) < 1e-5)
    #expect(error(parts.correlation, whole.correlation) < 1e-5)
  }

  @Test(arguments: 0..<4) func coordinateDescentFindsScikitLearnsMinimum(index: Int) {
    let path = golden.paths[index]
    let beta = problem(moments()).solve(penalty: path.penalty)
    #expect(error(beta, path.beta) < 1e-3)
    #expect(beta.map { $0 == 0 } == path.beta.map { $0 == 0 })
  }

  /// At a minimum the slope of the smooth part is −λ sign β, and within ±λ where β is zero.
  @Test(arguments: [0.01, 0.2, 0.5]) func theMinimumMeetsItsConditions(share: Double) {
    let problem = problem(moments())
    let largest = problem.correlation.reduce(0) { max($0, $1.magnitude) }
    let beta = problem.solve(penalty: share * largest)
    for i in beta.indices {
      let slope = beta.indices.reduce(-problem.correlation[i]) {
        $0 + problem.gram[i * problem.count + $1] * beta[$1]
      }
      if beta[i] == 0 {
        #expect(slope.magnitude <= share * largest * (1 + 1e-5))
      } else {
        #expect((slope + (beta[i] > 0 ? 1 : -1) * share * largest).magnitude < 1e-4 * largest)
      }
    }
  }

  @Test func exactlyAsManyStayAsAreWanted() {
    let problem = problem(moments())
    for wanted in 0...golden.channels {
      let kept = problem.select(wanted)
      #expect(kept.count == wanted)
      #expect(Set(kept).count == wanted)
    }
  }

  /// Of a channel and its copy one is enough: the copies go first.
  @Test func copiesOfChannelsGoFirst() {
    var random = SplitMix64(seed: 4)
    let (rows, outputs, original) = (200, 6, 5)
    var x: [Float] = []
    for _ in 0..<rows {
      let row = (0..<original).map { _ in Float.random(in: -1...1, using: &random) }
      x += row + row.prefix(3).map { $0 * 0.1 }
    }
    let depth = original + 3
    let w = (0..<outputs * depth).map { _ in Float.random(in: -1...1, using: &random) }
    var y = [Float](repeating: 0, count: rows * outputs)
    for row in 0..<rows {
      for output in 0..<outputs {
        for place in 0..<depth {
          y[row * outputs + output] += x[row * depth + place] * w[output * depth + place]
        }
      }
    }
    var moments = PatchMoments(depth: depth, outputs: outputs)
    moments.add(patches: x, responses: y, pool: pool)
    let problem = LassoProblem(moments, weights: w, channels: depth, pool: pool)
    let kept = problem.select(original)
    #expect(kept == Array(0..<original))
    let fit = LeastSquaresReconstruction(moments, weights: w, channels: depth, keeping: kept)
    #expect((fit?.errorAfter ?? 1) < 1e-6)
    #expect((fit?.errorBefore ?? 0) > 1e-4)
  }

  @Test func leastSquaresAgreesWithNumPy() throws {
    // Many copies of the positions leave the pull towards the old weights no say.
    let fit = try #require(
      LeastSquaresReconstruction(
        moments(), weights: golden.w, channels: golden.channels, keeping: golden.kept))
    let places = golden.kept.flatMap { c in (0..<golden.kernel).map { c * golden.kernel + $0 } }
    let depth = golden.channels * golden.kernel
    let found = (0..<golden.outputs).flatMap { output in
      places.map { Double(fit.weights[output * depth + $0]) }
    }
    #expect(error(found, golden.solution) < 1e-2)
    #expect((fit.errorAfter - golden.error).magnitude < 1e-4 * golden.error + 1e-6)
    #expect(fit.errorAfter <= fit.errorBefore)
    let gone = (0..<depth).filter { !places.contains($0) }
    #expect(gone.allSatisfy { fit.weights[$0] == 0 })
  }

  /// Few noisy positions: what fits them best is not what fits others.
  @Test(arguments: 0..<5 as Range<UInt64>)
  func positionsThatAreHeldBackChooseTheRidgeAndTellTheError(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let (depth, outputs) = (24, 3)
    let w = (0..<outputs * depth).map { _ in Float.random(in: -1...1, using: &random) }
    func moments(_ rows: Int) -> PatchMoments {
      let x = (0..<rows * depth).map { _ in Float.random(in: -1...1, using: &random) }
      var y = [Float]()
      for row in 0..<rows {
        for output in 0..<outputs {
          let response = (0..<depth).reduce(Float(0)) {
            $0 + x[row * depth + $1] * w[output * depth + $1]
          }
          y.append(response + 3 * Float.random(in: -1...1, using: &random))
        }
      }
      var moments = PatchMoments(depth: depth, outputs: outputs)
      moments.add(patches: x, responses: y, pool: pool)
      return moments
    }
    let (few, held, others) = (moments(30), moments(300), moments(3000))
    let kept = Array(0..<20)
    let blind = try #require(
      LeastSquaresReconstruction(few, weights: w, channels: depth, keeping: kept))
    let fit = try #require(
      LeastSquaresReconstruction(few, heldBack: held, weights: w, channels: depth, keeping: kept))
    func trueError(_ fit: LeastSquaresReconstruction) -> Double {
      others.squaredError(weights: fit.weights, intercept: fit.intercept)
        / others.responseVariation
    }
    // Errors at the positions of the fit promise too much; those that are held back do not.
    #expect(blind.errorAfter < 0.5 * trueError(blind))
    #expect(fit.errorAfter > 0.9 * trueError(fit))
    #expect(fit.ridge > blind.ridge)
    #expect(trueError(fit) < 0.8 * trueError(blind))
    // The squared error is that of the definition.
    #expect(
      (others.squaredError(weights: w, intercept: [0, 0, 0]) / Double(others.count) - 9).magnitude
        < 0.5)
  }

  @Test func moreChannelsNeverFitWorse() throws {
    let moments = moments()
    var last = Double.infinity
    for count in 1...golden.channels {
      let fit = try #require(
        LeastSquaresReconstruction(
          moments, weights: golden.w, channels: golden.channels, keeping: Array(0..<count)))
      #expect(fit.errorAfter <= last + 1e-6)
      last = fit.errorAfter
    }
  }

  @Test func threadsChangeNothing() {
    let depth = golden.channels * golden.kernel
    let results = [1, 2, 3].map { threads in
      var moments = PatchMoments(depth: depth, outputs: golden.outputs)
      moments.add(
        patches: golden.x, responses: golden.y, pool: ThreadPool(threads: threads))
      return LassoProblem(
        moments, weights: golden.w, channels: golden.channels, pool: ThreadPool(threads: threads))
    }
    #expect(results[0] == results[1] && results[1] == results[2])
  }
}
