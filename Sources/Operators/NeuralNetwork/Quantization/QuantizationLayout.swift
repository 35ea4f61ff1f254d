import GraphIR
import Tensors

/// Which scale and zero point belong to which element: one pair for all, one for each index of an
/// axis, or one for each block of an axis.
struct QuantizationLayout: Sendable {
  /// A run of elements that lie side by side: element `i` has scale `scale + i · step`.
  struct Run {
    var elements: Range<Int>
    var scale: Int
    var step: Int
  }

  private let outer: Int
  private let extent: Int
  private let inner: Int
  /// Elements of the axis that share a scale; 0 when all elements do.
  private let block: Int
  /// Whether each block of each position has a scale of its own.
  private let isBlocked: Bool

  /// The layout of scales of one shape for a value of another.
  ///
  /// - Throws: `OperatorError` when the shapes do not fit.
  init(shape: [Int], scales: [Int], axis: Int, blockSize: Int) throws {
    if scales.product == 1, blockSize == 0 || scales.count <= 1 {
      (outer, extent, inner, block, isBlocked) = (1, 1, shape.product, 0, false)
      return
    }
    let axis = try axis.axis(ofRank: shape.count)
    outer = shape[..<axis].product
    extent = shape[axis]
    inner = shape[(axis + 1)...].product
    if scales.count == 1, scales[0] == extent {
      (block, isBlocked) = (1, false)
      return
    }
    var expected = shape
    if blockSize > 0 { expected[axis] = (extent + blockSize - 1) / blockSize }
    guard blockSize > 0, scales == expected else {
      throw OperatorError.incompatible(
        [shape, scales],
        reason: "do not fit: scales are one number, one for each index of axis \(axis), "
          + "or one for each block")
    }
    (block, isBlocked) = (blockSize, true)
  }

  /// Calls `body` with runs that cover all elements, shared among threads.
  func forEachRun(pool: ThreadPool, _ body: (Run) -> Void) {
    guard block > 0 else {
      body(Run(elements: 0..<inner, scale: 0, step: 0))
      return
    }
    let blocks = (extent + block - 1) / block
    pool.forEach(outer) { row in
      for index in 0..<extent {
        let first = (row * extent + index) * inner
        let scale = isBlocked ? (row * blocks + index / block) * inner : index
        body(Run(elements: first..<first + inner, scale: scale, step: isBlocked ? 1 : 0))
      }
    }
  }

  /// The number of runs; with one, threads are used within it.
  var hasOneRun: Bool { block == 0 }
}
