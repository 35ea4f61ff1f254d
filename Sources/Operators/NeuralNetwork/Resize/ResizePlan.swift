import Foundation
import GraphIR

/// The output shape, scales and regions that `Resize`'s inputs ask for, on every axis.
struct ResizePlan {
  /// The output shape.
  var shape: [Int]
  /// Output elements per input element.
  var scales: [Float]
  /// The normalised ends of the region of interest.
  var regions: [(start: Float, end: Float)]
  private let input: [Int]
  private let axes: [Int]

  /// The plan that leaves everything as it is; `axes` are those that later calls speak of.
  init(shape: [Int], axes: [Int]) {
    self.shape = shape
    self.axes = axes
    input = shape
    scales = shape.map { _ in 1 }
    regions = shape.map { _ in (0, 1) }
  }

  /// Scales the axes; extents are rounded down.
  mutating func apply(scales values: [Float]) throws {
    try check(values.count, "scales")
    for (axis, scale) in zip(axes, values) {
      let extent = (Float(input[axis]) * scale).rounded(.down)
      guard scale > 0, extent.isFinite, extent <= Float(SlidingWindow.largest) else {
        throw OperatorError.unsupported("scales of \(values)")
      }
      scales[axis] = scale
      shape[axis] = Int(extent)
    }
    try checkNotEmpty()
  }

  /// Brings the axes to the given extents, or to the scale that the policy allows.
  mutating func apply(sizes values: [Int], policy: Resize.AspectPolicy) throws {
    try check(values.count, "sizes")
    guard values.allSatisfy({ (0...SlidingWindow.largest).contains($0) }) else {
      throw OperatorError.unsupported("sizes of \(values)")
    }
    for (axis, size) in zip(axes, values) {
      scales[axis] = input[axis] == 0 ? 1 : Float(size) / Float(input[axis])
      shape[axis] = size
    }
    if policy != .stretch {
      let candidates = axes.map { scales[$0] }
      let common = (policy == .notLarger ? candidates.min() : candidates.max()) ?? 1
      for axis in axes {
        scales[axis] = common
        shape[axis] = Int((common * Float(input[axis])).rounded(.toNearestOrAwayFromZero))
      }
    }
    try checkNotEmpty()
  }

  /// Sets the regions of interest: all starts, then all ends.
  mutating func apply(region values: [Float]) throws {
    guard values.count == 2 * axes.count, values.allSatisfy(\.isFinite) else {
      throw OperatorError.unsupported("a region of interest of \(values)")
    }
    for (place, axis) in axes.enumerated() {
      regions[axis] = (values[place], values[axes.count + place])
    }
  }

  private func check(_ count: Int, _ what: String) throws {
    guard count == axes.count else {
      throw OperatorError.unsupported("\(count) \(what) for \(axes.count) axes")
    }
  }

  private func checkNotEmpty() throws {
    guard zip(input, shape).allSatisfy({ $0 > 0 || $1 == 0 }) else {
      throw OperatorError.unsupported("resizing \(input) to \(shape)")
    }
  }
}
