import Kernels
import Tensors
import TestSupport
import Testing

/// Kernels over runs of elements, of every length around whole vectors, between pages that nobody
/// may touch.
@Suite struct FlatBoundsTests {
  private static let counts = Array(0...70) + [127, 128, 129, 200]
  private let one = ThreadPool(threads: 1)

  private func forEachSetting(_ body: (InstructionSet, GuardedMemory.Edge) -> Void) {
    for set in InstructionSet.supported {
      for edge in GuardedMemory.Edge.allCases { body(set, edge) }
    }
  }

  @Test(arguments: counts) func floats(count: Int) {
    var random = SplitMix64(seed: 1)
    let (x, dy) = (random.floats(count), random.floats(count))
    forEachSetting { set, edge in
      let (a, b) = (GuardedMemory(copying: x, edge: edge), GuardedMemory(copying: dy, edge: edge))
      let y = GuardedMemory(of: Float.self, count: count, edge: edge)
      for activation in [Activation.relu, .silu] {
        Elementwise.map(
          activation, from: a.pointer(), to: y.pointer(), count: count, instructionSet: set)
        Elementwise.mapGradient(
          activation, of: b.pointer(), at: a.pointer(), to: y.pointer(), count: count, pool: one,
          instructionSet: set)
      }
      let sums = ChannelSums([1, 1, count], instructionSet: set)
      #expect(abs(sums.sum(0, of: a.pointer()) - x.reduce(0) { $0 + Double($1) }) < 1e-3)
      _ = sums.squares(0, of: a.pointer(), shift: 0.5)
      _ = sums.product(0, of: a.pointer(), with: b.pointer(), shift: 0.5)
      sums.blend(
        0, of: a.pointer(), with: b.pointer(), to: y.pointer(), ofA: 1, ofB: 1, offset: 0)
      #expect(y.elements(as: Float.self) == zip(x, dy).map { $0 + $1 })
      sums.scale(0, of: a.pointer(), to: y.pointer(), by: 2, offset: 0)
      #expect(y.elements(as: Float.self) == x.map { 2 * $0 })
      #expect(y.isIntact)
      withExtendedLifetime((a, b)) {}
    }
  }

  @Test(arguments: counts) func bytes(count: Int) {
    var random = SplitMix64(seed: 2)
    let (x, table) = (random.floats(count), random.bytes(256))
    let parameters = QuantizationParameters(scale: 0.01, zeroPoint: 100)
    forEachSetting { set, edge in
      let real = GuardedMemory(copying: x, edge: edge)
      let entries = GuardedMemory(copying: table, edge: edge)
      let (q, y) = (
        GuardedMemory(byteCount: count, edge: edge), GuardedMemory(byteCount: count, edge: edge)
      )
      let back = GuardedMemory(of: Float.self, count: count, edge: edge)
      QuantizedElements.quantizeRun(
        real.pointer(), to: q.base, count: count, parameters, isSigned: false, instructionSet: set)
      QuantizedElements.dequantizeRun(
        q.base, to: back.pointer(), count: count, parameters, isSigned: false, instructionSet: set)
      for (a, b) in zip(x, back.elements(as: Float.self)) { #expect(abs(a - b) < 0.0051) }
      QuantizedElements.lookUp(
        q.base, in: entries.base, to: y.base, count: count, pool: one, instructionSet: set)
      let bytes: [UInt8] = q.elements()
      #expect(y.elements() == bytes.map { table[Int($0)] })
      let quantity = QuantizedCombination.Quantity(parameters, isSigned: false)
      for operation in [QuantizedCombination.Operation.add, .multiply] {
        QuantizedCombination(operation, quantity, quantity, into: quantity, instructionSet: set)
          .run(q.base, y.base, to: y.base, count: count)
      }
      var counts = [UInt64](repeating: 0, count: 64)
      counts.withUnsafeMutableBufferPointer { counts in
        BinCounts.add(
          UnsafeBufferPointer<Float>(start: real.pointer(), count: count), scale: 20, half: 32,
          to: counts, instructionSet: set)
      }
      #expect(counts.reduce(0, +) == UInt64(count))
      #expect(q.isIntact && y.isIntact && back.isIntact)
      withExtendedLifetime((real, entries)) {}
    }
  }
}
