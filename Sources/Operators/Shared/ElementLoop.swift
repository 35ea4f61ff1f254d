import Tensors

/// Loops over the elements of dense views, shared among threads in fixed parts.
enum ElementLoop {
  /// Elements in one part; parts are the same at any number of threads.
  static let part = 16384

  /// Calls `body` with the bounds of consecutive parts of `0 ..< count`.
  static func forEachPart(_ count: Int, pool: ThreadPool, _ body: (Range<Int>) -> Void) {
    pool.forEach((count + part - 1) / part) { index in
      body(index * part..<min(count, (index + 1) * part))
    }
  }

  /// Writes `body` of each element of a floating-point view, calculated in float64.
  static func map(
    _ input: TensorView, _ output: TensorView, pool: ThreadPool, _ body: (Double) -> Double
  ) {
    forEachPart(input.count, pool: pool) { range in
      switch input.elementType {
      case .float64:
        let (x, y) = (input.elements(as: Double.self), output.elements(as: Double.self))
        for index in range { y[index] = body(x[index]) }
      case .float16:
        let (x, y) = (input.elements(as: Float16.self), output.elements(as: Float16.self))
        for index in range { y[index] = Float16(body(Double(x[index]))) }
      case .bfloat16:
        let (x, y) = (input.elements(as: BFloat16.self), output.elements(as: BFloat16.self))
        for index in range { y[index] = BFloat16(Float(body(Double(x[index].float)))) }
      default:
        let (x, y) = (input.elements(as: Float.self), output.elements(as: Float.self))
        for index in range { y[index] = Float(body(Double(x[index]))) }
      }
    }
  }
}
