import Tensors

/// An element that matrices can be multiplied in.
protocol MatrixElement: TensorElement, BinaryFloatingPoint {
  /// Writes `C = α A B`.
  static func multiply(
    _ product: MatrixProduct, _ a: UnsafePointer<Self>, _ b: UnsafePointer<Self>,
    into c: UnsafeMutablePointer<Self>, alpha: Self, pool: ThreadPool)
}

extension Float: MatrixElement {
  static func multiply(
    _ product: MatrixProduct, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
    into c: UnsafeMutablePointer<Float>, alpha: Float, pool: ThreadPool
  ) { product(a, b, into: c, alpha: alpha, pool: pool) }
}

extension Double: MatrixElement {
  static func multiply(
    _ product: MatrixProduct, _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>,
    into c: UnsafeMutablePointer<Double>, alpha: Double, pool: ThreadPool
  ) { product(a, b, into: c, alpha: alpha, pool: pool) }
}
