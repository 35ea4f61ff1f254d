import GraphIR
import Tensors

/// The shapes of a batch of matrix products and which matrices meet in each.
struct BatchedProduct: Sendable {
  /// The extents of each product.
  let product: MatrixProduct
  /// The shape of all results.
  let outputShape: [Int]
  /// For each product the place of its left and right matrix among the inputs' matrices.
  let pairs: [(left: Int, right: Int)]

  /// - Throws: `OperatorError` when the shapes do not fit.
  init(_ a: [Int], _ b: [Int]) throws {
    guard !a.isEmpty, !b.isEmpty else {
      throw OperatorError.incompatible([a, b], reason: "have no matrices to multiply")
    }
    let left = a.count == 1 ? [1] + a : a
    let right = b.count == 1 ? b + [1] : b
    let (rows, depth) = (left[left.count - 2], left[left.count - 1])
    let columns = right[right.count - 1]
    let (leftBatch, rightBatch) = (Array(left.dropLast(2)), Array(right.dropLast(2)))
    guard right[right.count - 2] == depth,
      let batch = Self.broadcast(leftBatch, rightBatch)
    else {
      throw OperatorError.incompatible([a, b], reason: "cannot be multiplied as matrices")
    }
    let matrix = (a.count == 1 ? [] : [rows]) + (b.count == 1 ? [] : [columns])
    outputShape = try TensorType(checking: .float32, batch + matrix).shape

    // One matrix on the right for all on the left: the left ones are rows of a single matrix.
    if rightBatch.product == 1, leftBatch.product == batch.product {
      product = MatrixProduct(rows: rows * batch.product, columns: columns, depth: depth)
      pairs = [(0, 0)]
    } else {
      product = MatrixProduct(rows: rows, columns: columns, depth: depth)
      pairs = (0..<batch.product).map {
        (Self.place($0, in: batch, of: leftBatch), Self.place($0, in: batch, of: rightBatch))
      }
    }
  }

  private static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    let first = [Int](repeating: 1, count: rank - a.count) + a
    let second = [Int](repeating: 1, count: rank - b.count) + b
    var result: [Int] = []
    for (x, y) in zip(first, second) {
      guard x == y || x == 1 || y == 1 else { return nil }
      result.append(x == 1 ? y : x)
    }
    return result
  }

  /// The place in a value of shape `source` that a place in the broadcast shape reads.
  private static func place(_ index: Int, in shape: [Int], of source: [Int]) -> Int {
    let strides = source.contiguousStrides
    var (rest, place) = (index, 0)
    for axis in shape.indices.reversed() {
      let own = axis - (shape.count - source.count)
      if own >= 0, source[own] != 1 { place += rest % shape[axis] * strides[own] }
      rest /= shape[axis]
    }
    return place
  }

  /// A kernel that applies `multiply` to each pair of matrices of inputs 0 and 1.
  func kernel<Element: TensorElement>(
    _: Element.Type,
    _ multiply:
      @escaping @Sendable (
        MatrixProduct, UnsafePointer<Element>, UnsafePointer<Element>,
        UnsafeMutablePointer<Element>, ThreadPool
      ) -> Void
  ) -> Kernel {
    let (product, pairs) = (product, pairs)
    let sizes = (
      left: product.rows * product.depth, right: product.depth * product.columns,
      output: product.rows * product.columns
    )
    return Kernel(algorithm: "gemm") { call in
      guard let a = call.inputs[0]?.base.assumingMemoryBound(to: Element.self),
        let b = call.inputs[1]?.base.assumingMemoryBound(to: Element.self)
      else { return }
      let c = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      for (index, pair) in pairs.enumerated() {
        multiply(
          product, UnsafePointer(a + pair.left * sizes.left),
          UnsafePointer(b + pair.right * sizes.right), c + index * sizes.output, call.pool)
      }
    }
  }
}
