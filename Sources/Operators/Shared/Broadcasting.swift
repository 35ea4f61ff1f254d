import GraphIR
import Tensors

/// The shape that several shapes extend to: aligned at the last axis, extents of 1 repeat.
enum Broadcasting {
  /// The common shape.
  ///
  /// - Throws: `OperatorError.incompatible` when two extents differ and neither is 1.
  static func shape(_ shapes: [[Int]]) throws -> [Int] {
    let rank = shapes.map(\.count).max() ?? 0
    var result = [Int](repeating: 1, count: rank)
    for shape in shapes {
      for (axis, extent) in zip(rank - shape.count..<rank, shape) where extent != 1 {
        guard result[axis] == 1 || result[axis] == extent else {
          throw OperatorError.incompatible(shapes, reason: "do not broadcast to one shape")
        }
        result[axis] = extent
      }
    }
    return result
  }

  /// The element strides with which a tensor of `shape` is read as one of shape `target`.
  static func strides(of shape: [Int], in target: [Int]) -> [Int] {
    let own = shape.contiguousStrides
    let missing = target.count - shape.count
    return target.indices.map { axis in
      axis < missing || shape[axis - missing] == 1 ? 0 : own[axis - missing]
    }
  }
}
