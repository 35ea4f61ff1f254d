import Kernels
import TestSupport
import Testing

struct BinCountsTests {
  @Test(arguments: InstructionSet.supported, [0, 1, 3, 255, 256, 1000])
  func countsEqualThePlainTwin(set: InstructionSet, count: Int) {
    let half = 8
    let scale: Float = 4
    var random = SplitMix64(seed: UInt64(count))
    var numbers = (0..<count).map { _ in Float.random(in: -3...3, using: &random) }
    for (index, odd) in [Float.nan, .infinity, -.infinity, -0.25, 0.25, -0, 1.75, -2, 2]
      .enumerated()
    where count > 255 {
      numbers[17 * index] = odd
    }
    var expected = [UInt64](repeating: 1, count: 2 * half)
    for number in numbers where number.isFinite {
      expected[max(0, min(2 * half - 1, Int((number * scale).rounded(.down)) + half))] += 1
    }
    var counts = [UInt64](repeating: 1, count: 2 * half)
    numbers.withUnsafeBufferPointer { numbers in
      counts.withUnsafeMutableBufferPointer {
        BinCounts.add(numbers, scale: scale, half: half, to: $0, instructionSet: set)
      }
    }
    #expect(counts == expected)
  }
}
