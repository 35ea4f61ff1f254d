import GraphIR
import Tensors

/// The shapes of a batch of matrix products and which matrices meet in each.
struct BatchedProduct: Sendable {
  /// The extents of each product.
  let product: MatrixProduct
  /// The shape of all results.
  let outputShape: [Int]
  /// The extents of the batch's axes, of the results and of each operand.
  private let batch: (result: [Int], left: [Int], right: [Int])

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
      let whole = Self.broadcast(leftBatch, rightBatch)
    else {
      throw OperatorError.incompatible([a, b], reason: "cannot be multiplied as matrices")
    }
    let matrix = (a.count == 1 ? [] : [rows]) + (b.count == 1 ? [] : [columns])
    outputShape = try TensorType(checking: .float32, whole + matrix).shape

    // One matrix on the right for all on the left: the left ones are rows of a single matrix.
    if rightBatch.product == 1, leftBatch.product == whole.product {
      product = MatrixProduct(rows: rows * whole.product, columns: columns, depth: depth)
      batch = ([], [], [])
    } else {
      product = MatrixProduct(rows: rows, columns: columns, depth: depth)
      batch = (whole, leftBatch, rightBatch)
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

  /// A kernel that applies `multiply` to each pair of matrices of inputs 0 and 1.
  func kernel<Element: TensorElement>(
    _: Element.Type,
    _ multiply:
      @escaping @Sendable (
        MatrixProduct, UnsafePointer<Element>, UnsafePointer<Element>,
        UnsafeMutablePointer<Element>, ThreadPool
      ) -> Void
  ) -> Kernel {
    let (product, batch) = (product, batch)
    let strides = (
      left: Broadcasting.strides(of: batch.left, in: batch.result),
      right: Broadcasting.strides(of: batch.right, in: batch.result)
    )
    let count = batch.result.product
    let sizes = (
      left: product.rows * product.depth, right: product.depth * product.columns,
      output: product.rows * product.columns
    )
    return Kernel(algorithm: "gemm") { call in
      guard let a = call.inputs[0]?.base.assumingMemoryBound(to: Element.self),
        let b = call.inputs[1]?.base.assumingMemoryBound(to: Element.self)
      else { return }
      let c = call.outputs[0].base.assumingMemoryBound(to: Element.self)
      for index in 0..<count {
        var (rest, left, right) = (index, 0, 0)
        for axis in batch.result.indices.reversed() {
          let place = rest % batch.result[axis]
          rest /= batch.result[axis]
          left += place * strides.left[axis]
          right += place * strides.right[axis]
        }
        multiply(
          product, UnsafePointer(a + left * sizes.left), UnsafePointer(b + right * sizes.right),
          c + index * sizes.output, call.pool)
      }
    }
  }
}
