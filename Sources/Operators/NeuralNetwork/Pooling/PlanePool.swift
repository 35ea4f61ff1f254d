import Kernels
import Tensors

/// Pools planes `[planes, H, W]` in two passes: along the rows into a buffer `[H, W′]`, then down
/// the columns, each tap a run over a whole row.
struct PlanePool<Element: TensorElement>: Sendable {
  /// The window on two axes.
  let window: PlacedWindow
  /// What a sum or maximum starts from.
  let start: Element
  private let columns: [Range<Int>]
  private let rows: [Range<Int>]

  init(_ window: PlacedWindow, start: Element) {
    self.window = window
    self.start = start
    columns = (0..<window.kernel[1]).map { window.outputRange(1, tap: $0) }
    rows = (0..<window.kernel[0]).map { window.outputRange(0, tap: $0) }
  }

  /// The elements of one thread's buffer.
  var bufferCount: Int { window.extents[0] * window.outputs[1] }

  /// Combines the window's taps of one plane.
  @inline(__always)
  func pool(
    _ plane: UnsafePointer<Element>, into output: UnsafeMutablePointer<Element>,
    buffer: UnsafeMutablePointer<Element>, _ combine: (Element, Element) -> Element
  ) {
    let (width, outWidth) = (window.extents[1], window.outputs[1])
    for y in 0..<window.extents[0] {
      let target = buffer + y * outWidth
      target.update(repeating: start, count: outWidth)
      for (tap, range) in columns.enumerated() {
        let stride = window.strides[1]
        let source = plane + y * width + tap * window.dilations[1] - window.padsBefore[1]
        if stride == 1 {
          for x in range { target[x] = combine(target[x], source[x]) }
        } else {
          for x in range { target[x] = combine(target[x], source[x * stride]) }
        }
      }
    }
    output.update(repeating: start, count: window.outputs[0] * outWidth)
    for (tap, range) in rows.enumerated() {
      for y in range {
        let place = y * window.strides[0] + tap * window.dilations[0] - window.padsBefore[0]
        let (target, source) = (output + y * outWidth, buffer + place * outWidth)
        for x in 0..<outWidth { target[x] = combine(target[x], source[x]) }
      }
    }
  }

  /// Pools all planes; `finish` gets each finished plane.
  @inline(__always)
  func pool(
    planes: Int, from input: UnsafePointer<Element>, into output: UnsafeMutablePointer<Element>,
    scratch: UnsafeMutableRawPointer, threads: ThreadPool,
    _ combine: (Element, Element) -> Element, finish: (UnsafeMutablePointer<Element>) -> Void
  ) {
    let parts = min(planes, threads.threadCount)
    let (area, outArea) = (window.extents.product, window.outputs.product)
    threads.forEach(parts) { part in
      let buffer = scratch.assumingMemoryBound(to: Element.self) + part * bufferCount
      for plane in planes * part / parts..<planes * (part + 1) / parts {
        let target = output + plane * outArea
        pool(input + plane * area, into: target, buffer: buffer, combine)
        finish(target)
      }
    }
  }
}

extension PlacedWindow {
  /// The pool of float32 planes under a window on two axes.
  func floatPool(_ combination: WindowPool.Combination) -> WindowPool {
    WindowPool(combination, rows: axis(0), columns: axis(1))
  }

  /// The pool of planes of bytes under a window on two axes.
  func bytePool(isSigned: Bool) -> BytePool {
    BytePool(rows: axis(0), columns: axis(1), isSigned: isSigned)
  }

  private func axis(_ index: Int) -> WindowPool.Axis {
    WindowPool.Axis(
      input: extents[index], output: outputs[index], kernel: kernel[index],
      stride: strides[index], dilation: dilations[index], pad: padsBefore[index])
  }

  /// The outputs whose element at `tap` lies within the input.
  func outputRange(_ axis: Int, tap: Int) -> Range<Int> {
    let shift = padsBefore[axis] - tap * dilations[axis]
    let stride = strides[axis]
    let first = shift <= 0 ? 0 : (shift + stride - 1) / stride
    let room = extents[axis] - 1 + shift
    let last = room < 0 ? -1 : min(outputs[axis] - 1, room / stride)
    return first..<max(first, last + 1)
  }
}
