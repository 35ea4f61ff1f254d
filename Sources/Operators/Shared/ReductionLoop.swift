import Tensors

/// A walk over the folds of a reduction; neighbouring axes of one kind are merged.
struct ReductionLoop: Sendable {
  private struct Axis {
    var extent: Int
    var stride: Int
  }

  private var kept: [Axis] = []
  private var folded: [Axis] = []
  /// The elements in a run of neighbours: all of one fold, or each of another fold.
  let run: Int
  /// Whether the elements of a run belong to one fold.
  let runIsFolded: Bool
  /// The elements of one fold.
  let foldCount: Int

  /// A reduction of a dense tensor of `shape`.
  init(_ shape: [Int], folded axes: Set<Int>) {
    let strides = shape.contiguousStrides
    foldCount = axes.reduce(1) { $0 * shape[$1] }
    var last: Bool?
    for (axis, extent) in shape.enumerated() where extent != 1 {
      let isFolded = axes.contains(axis)
      var merged = isFolded ? self.folded : kept
      if last == isFolded, let previous = merged.popLast() {
        merged.append(Axis(extent: previous.extent * extent, stride: strides[axis]))
      } else {
        merged.append(Axis(extent: extent, stride: strides[axis]))
      }
      if isFolded { self.folded = merged } else { kept = merged }
      last = isFolded
    }
    runIsFolded = last ?? true
    run = (runIsFolded ? self.folded.popLast() : kept.popLast())?.extent ?? 1
  }

  /// The number of groups of folds that ``forEachGroup(pool:_:)`` visits.
  private var groupCount: Int { kept.reduce(1) { $0 * $1.extent } }

  /// The runs that one fold is made of.
  var runsPerFold: Int { folded.reduce(1) { $0 * $1.extent } }

  /// The distance of a fold's run from its first element.
  @inline(__always)
  func offset(ofRun index: Int) -> Int { Self.offset(index, folded) }

  /// Calls `body` with each group's number and first element; a group is one fold, or ``run`` folds
  /// side by side.
  func forEachGroup(pool: ThreadPool, _ body: (Int, Int) -> Void) {
    let groups = groupCount
    let elements = groups * run * runsPerFold
    let parts = elements < 1 << 15 ? 1 : min(groups, 4 * pool.threadCount)
    guard groups > 0 else { return }
    pool.forEach(parts) { part in
      for group in groups * part / parts..<groups * (part + 1) / parts {
        body(group, Self.offset(group, kept))
      }
    }
  }

  private static func offset(_ index: Int, _ axes: [Axis]) -> Int {
    guard axes.count > 1 else { return index * (axes.first?.stride ?? 0) }
    var (rest, offset) = (index, 0)
    for axis in axes.reversed() {
      offset += rest % axis.extent * axis.stride
      rest /= axis.extent
    }
    return offset
  }
}
