import Tensors

/// Which input lies under each tap of a window on any number of axes, as runs along the last one.
///
/// What is computed by these runs is plain, not fast: for planes and rows there are kernels of
/// their own.
struct WindowRuns: Sendable {
  /// Outputs side by side whose inputs under one tap are a fixed step apart.
  struct Run {
    /// The first output.
    var output: Int
    /// The input under the first output.
    var input: Int
    /// The outputs.
    var count: Int
  }

  /// The step from one input of a run to the next.
  let step: Int
  /// The taps of the window.
  let taps: Int
  private let window: PlacedWindow
  private let inputStrides: [Int]
  private let outputStrides: [Int]

  /// The runs of a window on one axis at least.
  init(_ window: PlacedWindow) {
    self.window = window
    step = window.strides[window.strides.count - 1]
    taps = window.kernel.product
    inputStrides = window.extents.contiguousStrides
    outputStrides = window.outputs.contiguousStrides
  }

  /// Visits the outputs whose input at a tap is none of the padding.
  @inline(__always)
  func forEachRun(tap: Int, _ body: (Run) -> Void) {
    var (rest, ranges, start) = (tap, [Range<Int>](), Run(output: 0, input: 0, count: 0))
    for axis in window.kernel.indices.reversed() {
      let index = rest % window.kernel[axis]
      rest /= window.kernel[axis]
      let range = window.outputRange(axis, tap: index)
      guard !range.isEmpty else { return }
      ranges.insert(range, at: 0)
      let shift = index * window.dilations[axis] - window.padsBefore[axis]
      start.output += range.lowerBound * outputStrides[axis]
      start.input +=
        (range.lowerBound * window.strides[axis] + shift) * inputStrides[axis]
    }
    start.count = ranges.removeLast().count
    var place = [Int](repeating: 0, count: ranges.count)
    for _ in 0..<ranges.reduce(1, { $0 * $1.count }) {
      var run = start
      for axis in ranges.indices {
        run.output += place[axis] * outputStrides[axis]
        run.input += place[axis] * window.strides[axis] * inputStrides[axis]
      }
      body(run)
      for axis in ranges.indices.reversed() {
        place[axis] += 1
        if place[axis] < ranges[axis].count { break }
        place[axis] = 0
      }
    }
  }
}
