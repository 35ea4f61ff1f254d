import Foundation
import Tensors
import Training

extension DistillationLoss {
  /// The maximum mean discrepancy between the activation patterns of both networks' channels.
  ///
  /// Each channel of an image is a vector of H·W numbers, scaled to unit length: x for the
  /// student's C channels, y for the teacher's C′. The loss is
  /// `mean k(y, y′) + mean k(x, x′) − 2 mean k(x, y)`, averaged over images and summed over the
  /// feature points. The kernel k is polynomial `⟨x, y⟩²`, linear `⟨x, y⟩`, or Gaussian
  /// `exp(−‖x − y‖² / 2σ²)` with σ² the mean squared distance between the teacher's channels.
  ///
  /// Reference: Huang and Wang, *Like What You Like: Knowledge Distill via Neuron Selectivity
  /// Transfer*, 2017, arXiv:1707.01219. Deviation: σ² is that of the teacher's pairs instead of all
  /// pairs, so that it is a constant for the gradient.
  public static let selectivity = selectivity(
    "nst", "what channels respond to, by a polynomial kernel", weight: 5
  ) { _ in (value: { $0 * $0 }, slope: { 2 * $0 }) }

  /// ``selectivity`` with the linear kernel.
  public static let linearSelectivity = selectivity(
    "nst-linear", "the same by a linear kernel: mean responses", weight: 10
  ) { _ in (value: { $0 }, slope: { _ in 1 }) }

  /// ``selectivity`` with the Gaussian kernel.
  public static let gaussianSelectivity = selectivity(
    "nst-gaussian", "the same by a Gaussian kernel", weight: 10
  ) { variance in
    // For vectors of unit length ‖x − y‖² is 2 − 2⟨x, y⟩.
    (
      value: { exp(($0 - 1) / variance) }, slope: { exp(($0 - 1) / variance) / variance }
    )
  }

  /// A kernel as a function of the inner product, with its derivative.
  private typealias Kernel = (value: (Float) -> Float, slope: (Float) -> Float)

  private static func selectivity(
    _ name: String, _ summary: String, weight: Double, kernel: @escaping @Sendable (Float) -> Kernel
  ) -> DistillationLoss {
    DistillationLoss(
      name: name, summary: summary, citation: "Huang and Wang, arXiv:1707.01219",
      subject: .features, weight: weight,
      make: { context in
        try PairTerm(context) { pair, weight, pool in
          let images = pair.student.images
          let parts = try pool.map(images) { image in
            discrepancy(pair, image: image, scale: weight / Float(images), kernel)
          }
          return parts.reduce(0, +) / Double(images)
        }
      })
  }

  /// The discrepancy of one image; adds its gradient times `scale`.
  private static func discrepancy(
    _ pair: FeaturePair, image: Int, scale: Float, _ kernel: (Float) -> Kernel
  ) -> Double {
    let (map, cells) = (pair.student, pair.student.cells)
    let (count, others) = (map.channels, pair.teacherChannels)
    let x = UnitRows(map.values + image * count * cells, rows: count, length: cells)
    let y = UnitRows(pair.teacher + image * others * cells, rows: others, length: cells)
    let distances = 2 - 2 * y.meanProduct
    let (value, slope) = kernel(max(distances, 1e-6))
    let own = 1 / Float(count * count)
    let mixed = 1 / Float(count * others)
    var total = 0.0
    for i in 0..<others {
      for j in 0..<others {
        total += Double(value(y.product(i, y, j))) / Double(others * others)
      }
    }
    var pulls = [Float](repeating: 0, count: cells)
    for i in 0..<count {
      for cell in 0..<cells { pulls[cell] = 0 }
      for j in 0..<count {
        let product = x.product(i, x, j)
        total += Double(own * value(product))
        x.add(j, times: 2 * own * slope(product), to: &pulls)
      }
      for j in 0..<others {
        let product = x.product(i, y, j)
        total -= Double(2 * mixed * value(product))
        y.add(j, times: -2 * mixed * slope(product), to: &pulls)
      }
      x.pull(i, pulls, scale: scale, into: map.gradient + (image * count + i) * cells)
    }
    return total
  }
}

/// Rows of numbers scaled to unit length.
private struct UnitRows {
  private(set) var values: [Float]
  private(set) var norms: [Float]
  private let length: Int

  init(_ base: UnsafePointer<Float>, rows: Int, length: Int) {
    self.length = length
    values = Array(UnsafeBufferPointer(start: base, count: rows * length))
    norms = []
    for row in 0..<rows {
      var squares: Float = 0
      for index in row * length..<(row + 1) * length { squares += values[index] * values[index] }
      let norm = max(squares.squareRoot(), 1e-8)
      for index in row * length..<(row + 1) * length { values[index] /= norm }
      norms.append(norm)
    }
  }

  /// The mean inner product of all pairs, which is the squared length of the mean row.
  var meanProduct: Float {
    var sum = [Float](repeating: 0, count: length)
    for row in norms.indices { add(row, times: 1 / Float(norms.count), to: &sum) }
    return sum.reduce(0) { $0 + $1 * $1 }
  }

  func product(_ row: Int, _ other: UnitRows, _ otherRow: Int) -> Float {
    values.withUnsafeBufferPointer { a in
      other.values.withUnsafeBufferPointer { b in
        var lanes = SIMD8<Float>()
        let (p, q) = (row * length, otherRow * length)
        for start in stride(from: 0, to: length - length % 8, by: 8) {
          for lane in 0..<8 { lanes[lane] += a[p + start + lane] * b[q + start + lane] }
        }
        var sum = lanes.sum()
        for index in (length - length % 8)..<length { sum += a[p + index] * b[q + index] }
        return sum
      }
    }
  }

  func add(_ row: Int, times factor: Float, to sum: inout [Float]) {
    for index in 0..<length { sum[index] += factor * values[row * length + index] }
  }

  /// Adds to the gradient of a row before scaling: the component of the given gradient that is
  /// orthogonal to the row, divided by the row's length.
  func pull(
    _ row: Int, _ slope: [Float], scale: Float, into gradient: UnsafeMutablePointer<Float>
  ) {
    var along: Float = 0
    for index in 0..<length { along += slope[index] * values[row * length + index] }
    for index in 0..<length {
      let free = slope[index] - along * values[row * length + index]
      gradient[index] += scale * free / norms[row]
    }
  }
}
