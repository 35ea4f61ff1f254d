import CKernels
import Tensors

/// Functions applied element by element.
public enum Elementwise {
  /// The elements below which a map stays on one thread.
  private static let grain = 1 << 15

  /// `y[i] = f(x[i])`; `y` may be `x`.
  public static func map(
    _ activation: Activation, from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>,
    count: Int, pool: ThreadPool, instructionSet: InstructionSet = .best
  ) {
    let kernels = instructionSet.kernels
    let parts = max(1, min(pool.threadCount, count / grain))
    let parameters = activation.parameters
    pool.forEach(parts) { part in
      let start = count * part / parts & ~63
      let end = part == parts - 1 ? count : count * (part + 1) / parts & ~63
      kernels.pointee.map(parameters, x + start, y + start, end - start)
    }
  }

  /// `y[i] = f(x[i])` on the calling thread; `y` may be `x`.
  public static func map(
    _ activation: Activation, from x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>,
    count: Int, instructionSet: InstructionSet = .best
  ) {
    instructionSet.kernels.pointee.map(activation.parameters, x, y, count)
  }

  /// `dx[i] = dy[i] · f′(x[i])`; `dx` may be `dy` or `x`.
  public static func mapGradient(
    _ activation: Activation, of dy: UnsafePointer<Float>, at x: UnsafePointer<Float>,
    to dx: UnsafeMutablePointer<Float>, count: Int, pool: ThreadPool,
    instructionSet: InstructionSet = .best
  ) {
    let kernels = instructionSet.gradientKernels
    let parts = max(1, min(pool.threadCount, count / grain))
    let parameters = activation.parameters
    pool.forEach(parts) { part in
      let start = count * part / parts & ~63
      let end = part == parts - 1 ? count : count * (part + 1) / parts & ~63
      kernels.pointee.mapGradient(parameters, dy + start, x + start, dx + start, end - start)
    }
  }
}
