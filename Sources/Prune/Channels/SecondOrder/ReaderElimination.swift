import Compression
import Tensors

/// The weights of one layer while its input channels are eliminated one after the other.
///
/// With w the weights of one output and H the second moments of the centred patches plus a ridge,
/// removing the elements K of a patch costs `w_K ([H⁻¹]_KK)⁻¹ w_Kᵀ`, when the other weights take
/// the values that cost least. The cost of a layer is the sum
/// over its outputs, each times its importance.
package struct ReaderElimination: Sendable {
  /// What has been lost so far, as a share of the variation of the layer's response.
  package private(set) var lost = 0.0
  /// The weights as they are times ``scales``, `[depth, outputs]`; 0 for eliminated elements.
  private var columns: [Double]
  /// `H⁻¹` of the elements that are left, `[depth, depth]`; 0 for eliminated elements.
  private var inverse: [Double]
  /// The variation of the layer's response, its outputs weighted.
  private let variation: Double
  /// The roots of the outputs' weights, by which ``columns`` are multiplied.
  private let scales: [Double]
  private let depth: Int
  private let outputs: Int

  /// A layer with all its inputs; `nil` where its moments cannot be inverted or its response does
  /// not vary.
  ///
  /// - Parameters:
  ///   - weights: `[outputs, depth]`.
  ///   - ridge: What is added to the diagonal of H, in units of its mean.
  ///   - importance: What a squared change of each output counts; empty where all count alike.
  package init?(
    _ moments: PatchMoments, weights: [Float], ridge: Double, importance: [Double] = []
  ) {
    let (depth, outputs) = (moments.depth, moments.outputs)
    precondition(weights.count == depth * outputs)
    (self.depth, self.outputs) = (depth, outputs)
    let n = max(moments.mass, 1e-300)
    let importance = importance.isEmpty ? [Double](repeating: 1, count: outputs) : importance
    let whole = importance.reduce(0, +)
    // Outputs that count for nothing keep a trace of weight, so that their values can be read back.
    scales = importance.map { max($0, 1e-9 * whole).squareRoot() }
    variation = zip(moments.responseVariations, scales).reduce(0) { $0 + $1.0 * $1.1 * $1.1 } / n
    var system = moments.centredPatches(Array(0..<depth)).map { $0 / n }
    let mean = (0..<depth).reduce(0) { $0 + system[$1 * depth + $1] } / Double(max(depth, 1))
    guard variation > 0, mean > 0 else { return nil }
    for index in 0..<depth { system[index * depth + index] += ridge * mean }
    guard let factor = CholeskyFactorization(system, order: depth) else { return nil }
    inverse = factor.inverse
    columns = [Double](repeating: 0, count: weights.count)
    for output in 0..<outputs {
      for place in 0..<depth {
        columns[place * outputs + output] =
          scales[output] * Double(weights[output * depth + place])
      }
    }
  }

  /// The weights as they are, `[outputs, depth]`.
  package var weights: [Float] {
    (0..<outputs).flatMap { output in
      (0..<depth).map { Float(columns[$0 * outputs + output] / scales[output]) }
    }
  }

  /// What the removal of some elements adds to ``lost``.
  package func cost(of places: [Int]) -> Double {
    let own = SubstitutedRows(
      inverse, of: places, stride: depth, applyingTo: columns, width: outputs)
    return own.rows.reduce(0) { $0 + $1 * $1 } / variation
  }

  /// Removes some elements; the other weights take the values that cost least.
  package mutating func eliminate(_ places: [Int]) {
    guard !places.isEmpty else { return }
    let own = SubstitutedRows(
      inverse, of: places, stride: depth, applyingTo: columns, width: outputs)
    let others = SubstitutedRows(
      inverse, of: places, stride: depth, applyingTo: inverse, width: depth)
    lost += own.rows.reduce(0) { $0 + $1 * $1 } / variation
    let pool = ThreadPool(threads: 1)
    // With L Lᵀ = [H⁻¹]_KK both changes are products of (L⁻¹ [H⁻¹]_K,:)ᵀ.
    func subtract(_ right: [Double], width: Int, from target: inout [Double]) {
      others.rows.withUnsafeBufferPointer { left in
        right.withUnsafeBufferPointer { right in
          target.withUnsafeMutableBufferPointer { target in
            guard let a = left.baseAddress, let b = right.baseAddress, let c = target.baseAddress
            else { return }
            MatrixProduct(rows: depth, columns: width, depth: places.count, transposesLeft: true)(
              a, b, into: c, alpha: -1, beta: 1, pool: pool)
          }
        }
      }
    }
    subtract(own.rows, width: outputs, from: &columns)
    subtract(others.rows, width: depth, from: &inverse)
    for place in places {
      for output in 0..<outputs { columns[place * outputs + output] = 0 }
      for other in 0..<depth {
        inverse[place * depth + other] = 0
        inverse[other * depth + place] = 0
      }
    }
  }
}

/// `L⁻¹ M_K,:` for the rows K of a matrix M, with `L Lᵀ` the rows and columns K of another.
private struct SubstitutedRows {
  /// `[places, width]`.
  private(set) var rows: [Double]

  init(
    _ matrix: [Double], of places: [Int], stride: Int, applyingTo other: [Double], width: Int
  ) {
    let count = places.count
    rows = []
    rows.reserveCapacity(count * width)
    for place in places { rows += other[place * width..<(place + 1) * width] }
    var factor = [Double](repeating: 0, count: count * count)
    matrix.withUnsafeBufferPointer { matrix in
      rows.withUnsafeMutableBufferPointer { rows in
        factor.withUnsafeMutableBufferPointer { factor in
          for row in 0..<count {
            for column in 0..<row {
              var value = matrix[places[row] * stride + places[column]]
              for term in 0..<column {
                value -= factor[row * count + term] * factor[column * count + term]
              }
              let part = value * factor[column * count + column]
              factor[row * count + column] = part
              guard part != 0 else { continue }
              for index in 0..<width {
                rows[row * width + index] -= part * rows[column * width + index]
              }
            }
            var diagonal = matrix[places[row] * stride + places[row]]
            for term in 0..<row {
              diagonal -= factor[row * count + term] * factor[row * count + term]
            }
            // The diagonal holds 1 / L; an element that others determine takes nothing with it.
            let scale = diagonal > 0 ? 1 / diagonal.squareRoot() : 0
            factor[row * count + row] = scale
            for index in 0..<width { rows[row * width + index] *= scale }
          }
        }
      }
    }
  }
}
