import Tensors

/// First and second moments of a layer's input and its target response, summed over positions.
///
/// A position may have a weight; then all sums are weighted.
///
/// Least squares and LASSO need nothing else, so memory does not grow with the number of positions.
public struct PatchMoments: Sendable {
  /// The number of elements of a patch: input channels × kernel positions.
  public let depth: Int
  /// Output channels.
  public let outputs: Int
  /// The number of positions so far.
  public private(set) var count = 0
  /// The sum of their weights.
  public private(set) var mass = 0.0
  /// `Σ x xᵀ`, `[depth, depth]`.
  public private(set) var patches: [Double]
  /// `Σ y xᵀ`, `[outputs, depth]`.
  public private(set) var responses: [Double]
  /// `Σ x`.
  public private(set) var patchSum: [Double]
  /// `Σ y`.
  public private(set) var responseSum: [Double]
  /// `Σ y²` by output.
  public private(set) var responseSquares: [Double]

  /// No positions yet.
  public init(depth: Int, outputs: Int) {
    (self.depth, self.outputs) = (depth, outputs)
    patches = Array(repeating: 0, count: depth * depth)
    responses = Array(repeating: 0, count: outputs * depth)
    patchSum = Array(repeating: 0, count: depth)
    responseSum = Array(repeating: 0, count: outputs)
    responseSquares = responseSum
  }

  /// Adds positions.
  ///
  /// - Parameters:
  ///   - x: Patches, `[n, depth]`.
  ///   - y: Responses with or without the layer's bias, `[n, outputs]`; an intercept absorbs
  ///     constants.
  ///   - weights: The weight of each position, `[n]`; empty where all are 1.
  /// - Precondition: all hold whole rows, equally many.
  public mutating func add(
    patches x: [Float], responses y: [Float], weights: [Float] = [], pool: ThreadPool
  ) {
    let rows = depth == 0 ? 0 : x.count / depth
    precondition(x.count == rows * depth && y.count == rows * outputs)
    precondition(weights.isEmpty || weights.count == rows)
    guard rows > 0 else { return }
    count += rows
    let weights = weights.isEmpty ? [Float](repeating: 1, count: rows) : weights
    for (row, weight) in weights.enumerated() {
      let weight = Double(weight)
      mass += weight
      for column in 0..<depth { patchSum[column] += weight * Double(x[row * depth + column]) }
      for column in 0..<outputs {
        let value = Double(y[row * outputs + column])
        responseSum[column] += weight * value
        responseSquares[column] += weight * value * value
      }
    }
    let roots = weights.map { $0.squareRoot() }
    addProducts(x.scalingRows(by: roots), y.scalingRows(by: roots), rows, pool)
  }

  /// Adds `xᵀ x` and `yᵀ x`.
  private mutating func addProducts(_ x: [Float], _ y: [Float], _ rows: Int, _ pool: ThreadPool) {
    var product = [Float](repeating: 0, count: depth * max(depth, outputs))
    for start in stride(from: 0, to: rows, by: Self.chunk) {
      let part = min(Self.chunk, rows - start)
      x.withUnsafeBufferPointer { x in
        y.withUnsafeBufferPointer { y in
          product.withUnsafeMutableBufferPointer { product in
            guard let x = x.baseAddress, let target = product.baseAddress else { return }
            let first = x + start * depth
            MatrixProduct(rows: depth, columns: depth, depth: part, transposesLeft: true)(
              first, first, into: target, pool: pool)
            for index in 0..<depth * depth { patches[index] += Double(target[index]) }
            guard let y = y.baseAddress else { return }
            MatrixProduct(rows: outputs, columns: depth, depth: part, transposesLeft: true)(
              y + start * outputs, first, into: target, pool: pool)
            for index in 0..<outputs * depth { responses[index] += Double(target[index]) }
          }
        }
      }
    }
  }

  /// Adds the positions of other moments of the same layer.
  public static func += (sum: inout PatchMoments, other: PatchMoments) {
    precondition(sum.depth == other.depth && sum.outputs == other.outputs)
    func add(_ path: WritableKeyPath<PatchMoments, [Double]>) {
      for index in sum[keyPath: path].indices {
        sum[keyPath: path][index] += other[keyPath: path][index]
      }
    }
    sum.count += other.count
    sum.mass += other.mass
    for path in [\PatchMoments.patches, \.responses, \.patchSum, \.responseSum, \.responseSquares] {
      add(path)
    }
  }

  /// The number of rows that are summed in float32, before sums are added in float64.
  private static let chunk = 512

  /// `Σ (x − x̄)(x − x̄)ᵀ` for some elements of a patch, `[places, places]`.
  public func centredPatches(_ places: [Int]) -> [Double] {
    let n = mass > 0 ? mass : 1
    var result = [Double](repeating: 0, count: places.count * places.count)
    for (row, a) in places.enumerated() {
      for (column, b) in places.enumerated() {
        result[row * places.count + column] =
          patches[a * depth + b] - patchSum[a] * patchSum[b] / n
      }
    }
    return result
  }

  /// `Σ (y − ȳ)(x − x̄)ᵀ` for some elements of a patch, `[outputs, places]`.
  public func centredResponses(_ places: [Int]) -> [Double] {
    let n = mass > 0 ? mass : 1
    var result = [Double](repeating: 0, count: outputs * places.count)
    for output in 0..<outputs {
      for (column, place) in places.enumerated() {
        result[output * places.count + column] =
          responses[output * depth + place] - responseSum[output] * patchSum[place] / n
      }
    }
    return result
  }

  /// `Σ (y − ȳ)²` over all outputs.
  public var responseVariation: Double { responseVariations.reduce(0, +) }

  /// `Σ (y − ȳ)²` of each output.
  public var responseVariations: [Double] {
    let n = mass > 0 ? mass : 1
    return zip(responseSquares, responseSum).map { max($0 - $1 * $1 / n, 0) }
  }
}

extension PatchMoments {
  /// `Σ ‖y − W x − b‖²`.
  ///
  /// - Parameters:
  ///   - weights: W, `[outputs, depth]`.
  ///   - intercept: b, `[outputs]`.
  public func squaredError(weights: [Float], intercept: [Float]) -> Double {
    let w = weights.map(Double.init)
    var product = [Double](repeating: 0, count: w.count)
    w.withUnsafeBufferPointer { w in
      patches.withUnsafeBufferPointer { patches in
        product.withUnsafeMutableBufferPointer { product in
          guard let a = w.baseAddress, let b = patches.baseAddress, let c = product.baseAddress
          else { return }
          MatrixProduct(rows: outputs, columns: depth, depth: depth)(
            a, b, into: c, pool: ThreadPool(threads: 1))
        }
      }
    }
    return (0..<outputs).reduce(0.0) { sum, output in
      let b = Double(intercept[output])
      var error = responseSquares[output] - 2 * b * responseSum[output] + mass * b * b
      for place in 0..<depth {
        let index = output * depth + place
        error += w[index] * (product[index] - 2 * responses[index] + 2 * b * patchSum[place])
      }
      return sum + max(error, 0)
    }
  }

  /// The constants that correct the mean response of given weights: `ȳ − W x̄`, `[outputs]`.
  public func intercept(weights: [Float]) -> [Float] {
    let n = mass > 0 ? mass : 1
    return (0..<outputs).map { output in
      let mean = (0..<depth).reduce(0.0) {
        $0 + Double(weights[output * depth + $1]) * patchSum[$1]
      }
      return Float((responseSum[output] - mean) / n)
    }
  }
}

extension [Float] {
  /// Rows of equal length, each times its factor.
  fileprivate func scalingRows(by factors: [Float]) -> [Float] {
    guard factors.contains(where: { $0 != 1 }) else { return self }
    let length = count / factors.count
    return [Float](unsafeUninitializedCapacity: count) { memory, filled in
      for (row, factor) in factors.enumerated() {
        for place in row * length..<(row + 1) * length { memory[place] = factor * self[place] }
      }
      filled = count
    }
  }
}
