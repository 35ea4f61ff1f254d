import Kernels
import Tensors
import TestSupport
import Testing

/// Seeded windows of one axis, with padding shorter than the window, or of any width.
private func axis(_ random: inout SplitMix64, longest: Int) -> WindowPool.Axis {
  let kernel = Int.random(in: 1...5, using: &random)
  let dilation = Int.random(in: 1...2, using: &random)
  let stride = Int.random(in: 1...3, using: &random)
  let reach = (kernel - 1) * dilation + 1
  let isWild = Int.random(in: 0..<4, using: &random) == 0
  let pad = Int.random(in: 0..<(isWild ? 25 : reach), using: &random)
  let after = Int.random(in: 0..<(isWild ? 25 : reach), using: &random)
  let least = isWild ? max(1, reach - pad - after) : reach
  let input = Int.random(in: least...least + longest, using: &random)
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
    for set in InstructionSet.supported {
      for (threads, edge) in [(1, GuardedMemory.Edge.start), (1, .end), (2, .end)] {
        let maxima = run(
          WindowPool(.maximum, rows: rows, columns: columns, instructionSet: set), x, planes,
          sums.count, threads, edge)
        #expect(maxima.map(Double.init) == largest)
        let totals = run(
          WindowPool(.sum, rows: rows, columns: columns, instructionSet: set), x, planes,
          sums.count, threads, edge)
        #expect(normalizedMaxError(totals.map(Double.init), sums) <= Tolerance.rounding.bound)
      }
    }
  }

  @Test(arguments: 0..<80)
  func largestBytesAgreeWithTheDefinition(index: Int) {
    var random = SplitMix64(seed: UInt64(500 + index))
    let planes = Int.random(in: 1...4, using: &random)
    let (rows, columns) = (axis(&random, longest: 20), axis(&random, longest: 70))
    let x = random.bytes(planes * rows.input * columns.input)
    let isSigned = index % 2 == 0
    let numbers = x.map { isSigned ? Float(Int8(bitPattern: $0)) : Float($0) }
    let largest = reference(numbers, planes: planes, rows, columns) {
      $0.max() ?? (isSigned ? -128 : 0)
    }
    for set in InstructionSet.supported {
      for (threads, edge) in [(1, GuardedMemory.Edge.start), (1, .end), (2, .end)] {
        let pool = BytePool(rows: rows, columns: columns, isSigned: isSigned, instructionSet: set)
        let input = GuardedMemory(copying: x, edge: edge)
        let output = GuardedMemory(of: UInt8.self, count: largest.count, edge: edge)
        let scratch = GuardedMemory.scratch(pool.scratchBytes(threads: threads), edge: edge)
        pool.run(
          planes: planes, input: input.base, output: output.base, scratch: scratch.base,
          pool: ThreadPool(threads: threads))
        let y: [UInt8] = output.elements()
        #expect(y.map { isSigned ? Double(Int8(bitPattern: $0)) : Double($0) } == largest)
        #expect(output.isIntact && scratch.isIntact)
      }
    }
  }

  private func run(
    _ window: WindowPool, _ x: [Float], _ planes: Int, _ count: Int, _ threads: Int,
    _ edge: GuardedMemory.Edge
  ) -> [Float] {
    let input = GuardedMemory(copying: x, edge: edge)
    let output = GuardedMemory(of: Float.self, count: count, edge: edge)
    let scratch = GuardedMemory.scratch(window.scratchBytes(threads: threads), edge: edge)
    window.run(
      planes: planes, input: input.pointer(), output: output.pointer(), scratch: scratch.base,
      pool: ThreadPool(threads: threads))
    withExtendedLifetime(input) {}
    #expect(output.isIntact && scratch.isIntact)
    return output.elements()
  }
}
