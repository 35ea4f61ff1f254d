import GraphIR
import Tensors

/// The walk of `GatherElements` and `ScatterElements`: each index names the place along one axis of
/// the data, the index's own place names the others.
struct AxisIndices: Sendable {
  /// The extent of the data along the axis.
  let extent: Int
  private let shape: [Int]
  private let strides: [Int]
  private let axis: Int

  /// Checks indices `[…]` against data of as many axes, no longer than the data but on `axis`.
  init(_ indices: Operand, data: Operand, axis: Int) throws {
    try indices.check(1, holdsOneOf: ElementType.indices)
    let axis = try axis.axis(ofRank: data.shape.count)
    let fits =
      indices.shape.count == data.shape.count
      && data.shape.indices.allSatisfy { $0 == axis || indices.shape[$0] <= data.shape[$0] }
    guard fits else {
      throw OperatorError.incompatible(
        [data.shape, indices.shape], reason: "do not fit as data and indices along axis \(axis)")
    }
    extent = data.shape[axis]
    shape = indices.shape
    strides = data.shape.contiguousStrides
    self.axis = axis
  }

  /// Calls `body` with the number of each index and the place in the data it names, in order.
  ///
  /// - Throws: `OperatorError.unsupported` when an index lies beyond the axis.
  @inline(__always)
  func forEach(_ indices: TensorView, _ body: (Int, Int) -> Void) throws {
    let last = shape[shape.count - 1]
    let step = axis == shape.count - 1 ? 0 : 1
    for row in 0..<shape.dropLast().product where last > 0 {
      var (rest, origin) = (row, 0)
      for outer in shape.indices.dropLast().reversed() {
        if outer != axis { origin += rest % shape[outer] * strides[outer] }
        rest /= shape[outer]
      }
      for column in 0..<last {
        let index = row * last + column
        let named = indices.integer(at: index)
        let place = named < 0 ? named + extent : named
        guard place >= 0, place < extent else {
          throw OperatorErrors.index(named, extent: extent)
        }
        body(index, origin + column * step + place * strides[axis])
      }
    }
  }
}
