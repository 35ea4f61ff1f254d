import Tensors

/// Floats rounded to the numbers that integers can stand for, and the gradients through that.
public enum FakeQuantization {
  /// Scale and zero point of a run of floats, and the integers allowed.
  public struct Grid: Sendable {
    /// The step between neighbours.
    public var scale: Float
    /// The least multiple of the scale.
    public var lowest: Float
    /// The largest multiple of the scale.
    public var highest: Float

    /// The grid of `scale · (q − zeroPoint)` for q in a range.
    public init(scale: Float, zeroPoint: Int32, range: ClosedRange<Int32>) {
      self.scale = scale
      lowest = Float(range.lowerBound - zeroPoint)
      highest = Float(range.upperBound - zeroPoint)
    }
  }

  /// Adding and taking away this rounds a float32 of magnitude below 2²² to the nearest
  /// integer, ties to even.
  @usableFromInline static let roundingOffset: Float = 12_582_912

  /// `y = s · round(clamp(x / s))`; `y` may be `x`.
  public static func round(
    _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int, _ grid: Grid
  ) {
    let inverse = 1 / grid.scale
    let (offset, scale) = (roundingOffset, grid.scale)
    let (lowest, highest) = (grid.lowest, grid.highest)
    for index in 0..<count {
      let steps = x[index] * inverse
      let clamped = steps < lowest ? lowest : (steps > highest ? highest : steps)
      y[index] = ((clamped + offset) - offset) * scale
    }
  }

  /// The gradients of ``round(_:to:count:_:)``.
  ///
  /// `∂x = ∂y` within the grid's range, 0 outside. `∂s = Σ ∂y · (round(v) − v)` within,
  /// `Σ ∂y · end` outside, with `v = x / s`.
  ///
  /// - Returns: `∂s`.
  public static func gradient(
    of dy: UnsafePointer<Float>, at x: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>,
    count: Int, _ grid: Grid
  ) -> Double {
    let inverse = 1 / grid.scale
    let offset = roundingOffset
    let (lowest, highest) = (grid.lowest, grid.highest)
    var total = 0.0
    var start = 0
    while start < count {
      // Sums of a few hundred numbers lose nothing in float32, and are vectors.
      let end = min(start + 256, count)
      var sum: Float = 0
      for index in start..<end {
        let steps = x[index] * inverse
        let gradient = dy[index]
        let clamped = steps < lowest ? lowest : (steps > highest ? highest : steps)
        let isInside: Float = clamped == steps ? 1 : 0
        let rounded = (clamped + offset) - offset
        dx[index] = gradient * isInside
        sum += gradient * (rounded - isInside * clamped)
      }
      total += Double(sum)
      start = end
    }
    return total
  }
}
