import Tensors

/// Pools on any number of spatial axes, tap by tap; planes and rows of maxima and means have
/// kernels of their own.
struct PlainPool<Element: TensorElement>: Sendable {
  /// The window.
  let window: PlacedWindow
  private let runs: WindowRuns

  init(_ window: PlacedWindow) {
    self.window = window
    runs = WindowRuns(window)
  }

  /// Combines `start` with what lies under each window, plane by plane, then finishes each plane.
  @inline(__always)
  func fold(
    planes: Int, from x: UnsafePointer<Element>, into y: UnsafeMutablePointer<Element>,
    start: Element, pool: ThreadPool, _ combine: (Element, Element) -> Element,
    finish: (UnsafeMutablePointer<Element>) -> Void
  ) {
    let (area, outArea) = (window.extents.product, window.outputs.product)
    pool.forEach(planes) { plane in
      let (source, target) = (x + plane * area, y + plane * outArea)
      target.update(repeating: start, count: outArea)
      for tap in 0..<runs.taps {
        runs.forEachRun(tap: tap) { run in
          let (to, from) = (target + run.output, source + run.input)
          for index in 0..<run.count { to[index] = combine(to[index], from[index * runs.step]) }
        }
      }
      finish(target)
    }
  }
}

extension PlainPool where Element: Comparable {
  /// The flat index of the first tap of each window that holds its maximum, counted through all
  /// planes; that of the plane's first element where there is none.
  ///
  /// - Parameter isColumnMajor: Whether the first spatial axis is the one whose indices lie side by
  ///   side.
  func indices(
    planes: Int, of maxima: UnsafePointer<Element>, in x: UnsafePointer<Element>,
    isColumnMajor: Bool, to indices: UnsafeMutablePointer<Int64>, pool: ThreadPool
  ) {
    let (area, outArea) = (window.extents.product, window.outputs.product)
    pool.forEach(planes) { plane in
      let (source, wanted) = (x + plane * area, maxima + plane * outArea)
      let target = indices + plane * outArea
      target.update(repeating: -1, count: outArea)
      for tap in 0..<runs.taps {
        runs.forEachRun(tap: tap) { run in
          for index in 0..<run.count where target[run.output + index] < 0 {
            let place = run.input + index * runs.step
            if source[place] == wanted[run.output + index] {
              target[run.output + index] = Int64(place)
            }
          }
        }
      }
      for place in 0..<outArea {
        let found = max(0, Int(target[place]))
        target[place] = Int64(plane * area + (isColumnMajor ? turned(found) : found))
      }
    }
  }

  /// The index of an element when the axes are counted from the last to the first.
  private func turned(_ index: Int) -> Int {
    var (rest, place, stride) = (index, [Int](), 1)
    for extent in window.extents.reversed() {
      place.insert(rest % extent, at: 0)
      rest /= extent
    }
    var result = 0
    for (axis, extent) in window.extents.enumerated() {
      result += place[axis] * stride
      stride *= extent
    }
    return result
  }
}
