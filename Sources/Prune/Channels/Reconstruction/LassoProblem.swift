import Compression
import Tensors

/// The choice of a layer's input channels by LASSO: `min ½ βᵀ G β − qᵀ β + λ ‖β‖₁`.
///
/// With `Z_i = X_i W_iᵀ` the contribution of channel *i* to the responses Y, `G_ij = ⟨Z_i, Z_j⟩`
/// and `q_i = ⟨Z_i, Y⟩`, all centred. β weights the contributions, and channels whose β is zero are
/// removed. The matrix of all `Z`, positions × outputs × channels, is never built: `G_ij` is the
/// sum over kernel positions of the patches' second moments times the filters' inner products.
///
/// Problems of several layers that read the same channels add up.
///
/// Reference: He, Zhang and Sun, *Channel Pruning for Accelerating Very Deep Neural Networks*, ICCV
/// 2017, arXiv:1707.06168, equation 2. It is solved once for β with the given filters. The paper
/// alternates between β and the filters under a constraint on norms, which it leaves out in its
/// experiments.
public struct LassoProblem: Sendable, Equatable {
  /// `[count, count]`.
  public private(set) var gram: [Double]
  /// `[count]`.
  public private(set) var correlation: [Double]
  /// The candidates.
  public let count: Int

  /// A problem of the given parts.
  public init(gram: [Double], correlation: [Double]) {
    precondition(gram.count == correlation.count * correlation.count)
    (self.gram, self.correlation, count) = (gram, correlation, correlation.count)
  }

  /// The problem of one layer.
  ///
  /// - Parameters:
  ///   - weights: `[outputs, channels · kernel]`.
  ///   - channels: The input channels.
  public init(_ moments: PatchMoments, weights: [Float], channels: Int, pool: ThreadPool) {
    let (depth, outputs) = (moments.depth, moments.outputs)
    precondition(weights.count == outputs * depth && depth % channels == 0)
    let kernel = depth / channels
    var filters = [Float](repeating: 0, count: depth * depth)
    weights.withUnsafeBufferPointer { weights in
      filters.withUnsafeMutableBufferPointer { filters in
        guard let weights = weights.baseAddress, let target = filters.baseAddress else { return }
        MatrixProduct(rows: depth, columns: depth, depth: outputs, transposesLeft: true)(
          weights, weights, into: target, pool: pool)
      }
    }
    let n = max(moments.mass, 1e-300)
    var gram = [Double](repeating: 0, count: channels * channels)
    var correlation = [Double](repeating: 0, count: channels)
    moments.patches.withUnsafeBufferPointer { patches in
      for a in 0..<depth {
        let (row, mean) = (a / kernel, moments.patchSum[a] / n)
        for b in 0..<depth {
          let covariance = patches[a * depth + b] - mean * moments.patchSum[b]
          gram[row * channels + b / kernel] += covariance * Double(filters[a * depth + b])
        }
      }
    }
    for output in 0..<outputs {
      let mean = moments.responseSum[output] / n
      for place in 0..<depth {
        let covariance =
          moments.responses[output * depth + place] - mean * moments.patchSum[place]
        correlation[place / kernel] += covariance * Double(weights[output * depth + place])
      }
    }
    self.init(gram: gram, correlation: correlation)
  }

  /// Adds a problem with the same candidates.
  public static func += (sum: inout LassoProblem, other: LassoProblem) {
    precondition(sum.count == other.count)
    for index in sum.gram.indices { sum.gram[index] += other.gram[index] }
    for index in sum.correlation.indices { sum.correlation[index] += other.correlation[index] }
  }

  /// The problem multiplied by a number.
  public func scaled(by factor: Double) -> LassoProblem {
    LassoProblem(gram: gram.map { $0 * factor }, correlation: correlation.map { $0 * factor })
  }

  /// The problem whose candidates are sums of channels.
  ///
  /// Channels that belong to no candidate have weight 1.
  ///
  /// - Parameter groups: The candidate of each channel, `nil` for channels that stay.
  public func grouped(_ groups: [Int?], count candidates: Int) -> LassoProblem {
    precondition(groups.count == count)
    var gram = [Double](repeating: 0, count: candidates * candidates)
    var correlation = [Double](repeating: 0, count: candidates)
    for (i, a) in groups.enumerated() {
      guard let a else { continue }
      correlation[a] += self.correlation[i]
      for (j, b) in groups.enumerated() {
        let product = self.gram[i * count + j]
        if let b { gram[a * candidates + b] += product } else { correlation[a] -= product }
      }
    }
    return LassoProblem(gram: gram, correlation: correlation)
  }

  // MARK: Solving

  /// The minimiser at a penalty, by cyclic coordinate descent from a starting point.
  public func solve(penalty: Double, from start: [Double]? = nil) -> [Double] {
    var beta = start ?? Array(repeating: 0, count: count)
    // G β, kept up to date.
    var product = (0..<count).map { row in
      (0..<count).reduce(0.0) { $0 + gram[row * count + $1] * beta[$1] }
    }
    let scale = correlation.reduce(0) { max($0, $1.magnitude) }
    for _ in 0..<Self.sweeps {
      var largest = 0.0
      for i in 0..<count {
        let diagonal = gram[i * count + i]
        guard diagonal > 0 else {
          beta[i] = 0
          continue
        }
        let rest = correlation[i] - product[i] + diagonal * beta[i]
        let shrunk = max(rest.magnitude - penalty, 0) / diagonal
        let value = rest < 0 ? -shrunk : shrunk
        let change = value - beta[i]
        guard change != 0 else { continue }
        beta[i] = value
        gram.withUnsafeBufferPointer { gram in
          for j in 0..<count { product[j] += gram[i * count + j] * change }
        }
        largest = max(largest, change.magnitude * diagonal)
      }
      if largest <= Self.tolerance * scale { break }
    }
    return beta
  }

  private static let sweeps = 1000
  private static let tolerance = 1e-7
  private static let bisections = 60

  /// The `wanted` candidates that stay: those that the largest penalty with at least that many
  /// leaves, without the weakest contributions where there are more.
  public func select(_ wanted: Int) -> [Int] {
    let live = (0..<count).filter { gram[$0 * count + $0] > 0 }
    guard wanted < live.count else {
      // Candidates that contribute nothing are added last.
      let silent = (0..<count).filter { gram[$0 * count + $0] <= 0 }
      return Array((live + silent).prefix(wanted)).sorted()
    }
    guard wanted > 0 else { return [] }
    var high = correlation.reduce(0) { max($0, $1.magnitude) }
    var (low, best, from) = (0.0, solve(penalty: 0), [Double]?.none)
    for _ in 0..<Self.bisections {
      let middle = (low + high) / 2
      let beta = solve(penalty: middle, from: from ?? best)
      let support = beta.count { $0 != 0 }
      if support >= wanted {
        (low, best) = (middle, beta)
        if support == wanted { break }
      } else {
        high = middle
      }
      from = beta
    }
    let order = (0..<count).sorted {
      (strength(best, $1), $0) < (strength(best, $0), $1)
    }
    return order.prefix(wanted).sorted()
  }

  /// The size of a weighted contribution.
  private func strength(_ beta: [Double], _ index: Int) -> Double {
    beta[index].magnitude * max(gram[index * count + index], 0).squareRoot()
  }
}
