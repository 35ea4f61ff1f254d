import Tensors

/// The second half of a transposed convolution: adds columns `[O, kH, kW, H, W]` to where they
/// belong in the output planes `[O, H′, W′]`.
struct TransposedColumns: Sendable {
  /// The window; `extents` are those of the columns, `outputs` those of the planes.
  var window: PlacedWindow
  /// `O`.
  var channels: Int

  /// Overwrites `output` with the bias plus the columns.
  func add(
    _ columns: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    to output: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    let plane = window.outputs.product
    let taps = window.kernel.product
    let area = window.extents.product
    pool.forEach(channels) { channel in
      let target = output + channel * plane
      target.update(repeating: bias?[channel] ?? 0, count: plane)
      for tap in 0..<taps {
        add(columns + (channel * taps + tap) * area, tap: tap, to: target)
      }
    }
  }

  private func add(
    _ column: UnsafePointer<Float>, tap: Int, to plane: UnsafeMutablePointer<Float>
  ) {
    let (tapY, tapX) = (tap / window.kernel[1], tap % window.kernel[1])
    let rows = window.transposedRange(0, tap: tapY)
    let places = window.transposedRange(1, tap: tapX)
    guard !places.isEmpty else { return }
    let stride = window.strides[1]
    let left = tapX * window.dilations[1] - window.padsBefore[1]
    for row in rows {
      let y = row * window.strides[0] + tapY * window.dilations[0] - window.padsBefore[0]
      let target = plane + y * window.outputs[1] + left
      let source = column + row * window.extents[1]
      for x in places { target[x * stride] += source[x] }
    }
  }
}

extension PlacedWindow {
  /// The input places whose element at `tap` falls into the output of a transposed convolution.
  fileprivate func transposedRange(_ axis: Int, tap: Int) -> Range<Int> {
    let shift = tap * dilations[axis] - padsBefore[axis]
    let stride = strides[axis]
    let first = shift >= 0 ? 0 : (-shift + stride - 1) / stride
    let room = outputs[axis] - 1 - shift
    let last = room < 0 ? -1 : min(extents[axis] - 1, room / stride)
    return first..<max(first, last + 1)
  }
}
