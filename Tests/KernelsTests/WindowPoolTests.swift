import Kernels
import Tensors
import TestSupport
import Testing

/// Seeded windows of one axis, with padding shorter than the window.
private func axis(_ random: inout SplitMix64, longest: Int) -> WindowPool.Axis {
  let kernel = Int.random(in: 1...5, using: &random)
  let dilation = Int.random(in: 1...2, using: &random)
  let stride = Int.random(in: 1...3, using: &random)
  let reach = (kernel - 1) * dilation + 1
  let input = Int.random(in: reach...reach + longest, using: &random)
  let pad = Int.random(in: 0..<reach, using: &random)
  let after = Int.random(in: 0..<reach, using: &random)
  return WindowPool.Axis(
    input: input, output: (input + pad + after - reach) / stride + 1, kernel: kernel,
    stride: stride, dilation: dilation, pad: pad)
}

/// The places of an axis under one output.
private func places(_ axis: WindowPool.Axis, _ output: Int) -> [Int] {
  (0..<axis.kernel).map { output * axis.stride + $0 * axis.dilation - axis.pad }
    .filter { (0..<axis.input).contains($0) }
}

/// Every window of every plane, combined element by element.
private func reference(
  _ x: [Float], planes: Int, _ rows: WindowPool.Axis, _ columns: WindowPool.Axis,
  _ combine: ([Double]) -> Double
) -> [Double] {
  (0..<planes).flatMap { plane in
    (0..<rows.output).flatMap { row in
      (0..<columns.output).map { column in
        combine(
          places(rows, row).flatMap { y in
            places(columns, column).map { Double(x[(plane * rows.input + y) * columns.input + $0]) }
          })
      }
    }
  }
}

@Suite struct WindowPoolTests {
  @Test(arguments: 0..<80)
  func agreesWithTheDefinition(index: Int) {
    var random = SplitMix64(seed: UInt64(index))
    let planes = Int.random(in: 1...4, using: &random)
    let rows = axis(&random, longest: 30)
    let columns = axis(&random, longest: 70)
    let x = (0..<planes * rows.input * columns.input).map { _ in
      Float.random(in: -1...1, using: &random)
    }
    let largest = reference(x, planes: planes, rows, columns) { $0.max() ?? -.infinity }
    let sums = reference(x, planes: planes, rows, columns) { $0.reduce(0, +) }
    for set in InstructionSet.allCases where set <= .best {
      for threads in 1...2 {
        let maxima = run(
          WindowPool(.maximum, rows: rows, columns: columns, instructionSet: set), x, planes,
          sums.count, threads)
        #expect(maxima.map(Double.init) == largest)
        let totals = run(
          WindowPool(.sum, rows: rows, columns: columns, instructionSet: set), x, planes,
          sums.count, threads)
        #expect(normalizedMaxError(totals.map(Double.init), sums) <= Tolerance.rounding.bound)
      }
    }
  }

  private func run(
    _ window: WindowPool, _ x: [Float], _ planes: Int, _ count: Int, _ threads: Int
  ) -> [Float] {
    var y = [Float](repeating: .nan, count: count)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: window.scratchBytes(threads: threads), alignment: 64)
    defer { scratch.deallocate() }
    window.run(
      planes: planes, input: x, output: &y, scratch: scratch, pool: ThreadPool(threads: threads))
    return y
  }
}
