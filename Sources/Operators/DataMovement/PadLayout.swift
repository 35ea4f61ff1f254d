import GraphIR
import Tensors

/// How the elements of a padded tensor lie over those of its input.
struct PadLayout {
  /// The padding before each axis; negative where elements are cut off.
  var before: [Int]
  /// The padding after each axis.
  var after: [Int]
  /// The extents of the input.
  var extents: [Int]
  /// The extents of the output.
  var shape: [Int]

  init(_ extents: [Int], pads: [Int], axes: [Int], mode: PadMode) throws {
    func misfit(_ reason: String) -> OperatorError {
      .shape(input: 0, found: extents, reason: "cannot be padded by \(pads): \(reason)")
    }
    guard pads.count == 2 * axes.count, pads.allSatisfy({ $0.magnitude >> 31 == 0 }) else {
      throw misfit("two numbers below 2³¹ are needed for each axis")
    }
    self.extents = extents
    before = extents.map { _ in 0 }
    after = before
    for (index, axis) in axes.enumerated() {
      (before[axis], after[axis]) = (pads[index], pads[index + axes.count])
    }
    shape = extents.indices.map { [before, after] in before[$0] + extents[$0] + after[$0] }
    for (axis, extent) in extents.enumerated() {
      let kept = extent + min(before[axis], 0) + min(after[axis], 0)
      guard kept >= 0, shape[axis] >= 0 else { throw misfit("more is cut off than there is") }
      if mode != .constant, kept == 0, shape[axis] > 0 {
        throw misfit("nothing remains to repeat")
      }
    }
  }

  /// The copy of what remains of the input.
  func copy(elementBytes: Int) -> StridedCopy {
    let kept = extents.indices.map { extents[$0] + min(before[$0], 0) + min(after[$0], 0) }
    let (source, target) = (extents.contiguousStrides, shape.contiguousStrides)
    return StridedCopy(
      kept, from: source, to: target, elementBytes: elementBytes,
      sourceOffset: zip(before, source).reduce(0) { $0 - min($1.0, 0) * $1.1 },
      targetOffset: zip(before, target).reduce(0) { $0 + max($1.0, 0) * $1.1 })
  }

  /// For each axis, the index in the input that stands at each index of the output.
  func maps(_ mode: PadMode) -> [[Int]] {
    extents.indices.map { axis in
      let cut = -min(before[axis], 0)
      let kept = extents[axis] - cut + min(after[axis], 0)
      return (0..<shape[axis]).map { index in
        cut + Self.source(index - max(before[axis], 0), kept, mode)
      }
    }
  }

  private static func source(_ index: Int, _ extent: Int, _ mode: PadMode) -> Int {
    func modulo(_ value: Int, _ period: Int) -> Int {
      let rest = value % period
      return rest < 0 ? rest + period : rest
    }
    switch mode {
    case .reflect:
      guard extent > 1 else { return 0 }
      let place = modulo(index, 2 * extent - 2)
      return min(place, 2 * extent - 2 - place)
    case .wrap: return modulo(index, extent)
    case .constant, .edge: return min(max(index, 0), extent - 1)
    }
  }
}

/// What stands beyond the edge of an axis.
enum PadMode: String, Sendable {
  case constant, reflect, edge, wrap
}
