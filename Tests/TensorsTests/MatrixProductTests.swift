import Tensors
import TestSupport
import Testing

/// Products against the definition in double precision.
struct MatrixProductTests {
  struct Sample: Sendable {
    var product: MatrixProduct
    var alpha: Float
    var beta: Float
    var seed: UInt64

    init(seed: UInt64) {
      var random = SplitMix64(seed: seed)
      func extent() -> Int {
        // Around the widths of vectors and blocks, and the empty and the long.
        [0, 1, 2, 3, 7, 8, 9, 15, 17, 31, 33, 64, 65, 130].randomElement(using: &random) ?? 1
      }
      product = MatrixProduct(
        rows: extent(), columns: extent(), depth: extent(),
        transposesLeft: Bool.random(using: &random), transposesRight: Bool.random(using: &random))
      if seed.isMultiple(of: 10) { (product.rows, product.columns) = (3, 4001) }
      if seed.isMultiple(of: 11) { (product.rows, product.depth) = (2003, 129) }
      alpha = [1, 1, -0.5].randomElement(using: &random) ?? 1
      beta = [0, 0, 1, 0.25].randomElement(using: &random) ?? 0
      self.seed = seed
    }

    func numbers(_ count: Int, _ salt: UInt64) -> [Float] {
      var random = SplitMix64(seed: seed &* 3 &+ salt)
      return (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    }
  }

  private func definition(_ s: Sample, _ a: [Float], _ b: [Float], _ c: [Float]) -> [Double] {
    let p = s.product
    return (0..<p.rows * p.columns).map { place in
      let (row, column) = (place / p.columns, place % p.columns)
      var sum = 0.0
      for k in 0..<p.depth {
        let left = a[p.transposesLeft ? k * p.rows + row : row * p.depth + k]
        let right = b[p.transposesRight ? column * p.depth + k : k * p.columns + column]
        sum += Double(left) * Double(right)
      }
      return Double(s.alpha) * sum + (s.beta == 0 ? 0 : Double(s.beta) * Double(c[place]))
    }
  }

  @Test(arguments: 1...60) func productsAgreeWithTheDefinition(seed: UInt64) {
    let sample = Sample(seed: seed)
    let p = sample.product
    let (a, b) = (sample.numbers(p.rows * p.depth, 0), sample.numbers(p.depth * p.columns, 1))
    let start =
      sample.beta == 0
      ? [Float](repeating: .nan, count: p.rows * p.columns)
      : sample.numbers(p.rows * p.columns, 2)
    let expected = definition(sample, a, b, start)
    var results: [[Float]] = []
    for threads in 1...3 {
      var c = start
      c.withUnsafeMutableBufferPointer { target in
        guard let base = target.baseAddress else { return }
        p(
          a, b, into: base, alpha: sample.alpha, beta: sample.beta,
          pool: ThreadPool(threads: threads))
      }
      results.append(c)
      let error = normalizedMaxError(c.map(Double.init), expected)
      #expect(error <= Tolerance.rounding.bound, "\(p), \(threads) threads")
    }
    #expect(results[0] == results[1] && results[0] == results[2], "threads change the result")

    var doubles = start.map(Double.init)
    doubles.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      p(
        a.map(Double.init), b.map(Double.init), into: base, alpha: Double(sample.alpha),
        beta: Double(sample.beta), pool: ThreadPool(threads: 1))
    }
    #expect(normalizedMaxError(doubles, expected) <= Tolerance.metric.bound)
  }
}
