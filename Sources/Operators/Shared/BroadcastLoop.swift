import Tensors

/// A loop over the rows of a broadcast result: runs along which each operand either advances by one
/// element or stays.
struct BroadcastLoop: Sendable {
  /// Where a row lies in the result and in up to three operands, in elements.
  struct Row {
    /// The elements of the row.
    var count: Int
    /// Its first element in the result.
    var output: Int
    /// Its first element in each operand.
    var a: Int
    var b: Int
    var c: Int
  }

  private struct Axis {
    var extent: Int
    var output: Int
    var a: Int
    var b: Int
    var c: Int
  }

  private var axes: [Axis] = []
  /// The elements from which a loop is shared among threads.
  private static let parallelCount = 1 << 15

  /// How far the operands advance along a row: 0 or 1.
  var steps: (a: Int, b: Int, c: Int) {
    axes.last.map { ($0.a, $0.b, $0.c) } ?? (0, 0, 0)
  }

  /// A loop over a result of shape `output` and operands that broadcast to it.
  init(output: [Int], _ a: [Int], _ b: [Int] = [], _ c: [Int] = []) {
    let own = output.contiguousStrides
    let (a, b, c) = (
      Broadcasting.strides(of: a, in: output), Broadcasting.strides(of: b, in: output),
      Broadcasting.strides(of: c, in: output)
    )
    for (axis, extent) in output.enumerated() where extent != 1 {
      let next = Axis(extent: extent, output: own[axis], a: a[axis], b: b[axis], c: c[axis])
      if let last = axes.last, last.output == next.output * extent, last.a == next.a * extent,
        last.b == next.b * extent, last.c == next.c * extent
      {
        axes[axes.count - 1] = next
        axes[axes.count - 1].extent *= last.extent
      } else {
        axes.append(next)
      }
    }
    if axes.isEmpty { axes = [Axis(extent: 1, output: 1, a: 0, b: 0, c: 0)] }
  }

  /// Calls `body` for each row, or parts of it, side by side.
  func forEachRow(pool: ThreadPool, _ body: (Row) -> Void) {
    let count = axes.reduce(1) { $0 * $1.extent }
    guard count > 0 else { return }
    let outer = axes[0]
    let parts = count < Self.parallelCount ? 1 : min(outer.extent, 4 * pool.threadCount)
    pool.forEach(parts) { part in
      let start = outer.extent * part / parts
      walk(
        0, outer.extent * (part + 1) / parts - start,
        Row(
          count: 0, output: start * outer.output, a: start * outer.a, b: start * outer.b,
          c: start * outer.c), body)
    }
  }

  private func walk(_ depth: Int, _ extent: Int, _ origin: Row, _ body: (Row) -> Void) {
    var row = origin
    guard depth < axes.count - 1 else {
      row.count = extent
      body(row)
      return
    }
    let (axis, inner) = (axes[depth], axes[depth + 1].extent)
    for _ in 0..<extent {
      walk(depth + 1, inner, row, body)
      row.output += axis.output
      row.a += axis.a
      row.b += axis.b
      row.c += axis.c
    }
  }
}
