import Tensors
import Testing

/// The generator that all seeds of the toolkit mean.
struct CounterRandomTests {
  private func numbers(_ count: Int, seed: UInt64, stream: UInt64 = 0) -> [UInt64] {
    var random = CounterRandom(seed: seed, stream: stream)
    return (0..<count).map { _ in random.next() }
  }

  /// The first block of Philox-2×64-10 in Random123's file of known answers.
  @Test func firstNumbersAreThePublishedOnes() {
    #expect(numbers(2, seed: 0) == [0xca00_a045_9843_d731, 0x66c2_4222_c9a8_45b5])
  }

  @Test(arguments: [0, 1, 42, UInt64.max]) func aSeedAlwaysGivesTheSameNumbers(seed: UInt64) {
    #expect(numbers(100, seed: seed) == numbers(100, seed: seed))
    #expect(numbers(100, seed: seed) != numbers(100, seed: seed &+ 1))
  }

  @Test func streamsDoNotDependOnTheOrderInWhichTheyAreRead() {
    var streams = (0..<5).map { CounterRandom(seed: 9, stream: $0) }
    var found = [[UInt64]](repeating: [], count: 5)
    for round in 0..<60 {
      for index in (0..<5).reversed() where (round + index) % 2 == 0 {
        found[index].append(streams[index].next())
      }
    }
    for index in 0..<5 {
      #expect(found[index] == numbers(found[index].count, seed: 9, stream: UInt64(index)))
    }
    #expect(Set(found.flatMap { $0 }).count == found.reduce(0) { $0 + $1.count })
  }

  @Test func everyBitIsSetHalfTheTime() {
    let count = 20_000
    var ones = [Int](repeating: 0, count: 64)
    for number in numbers(count, seed: 5) {
      for bit in 0..<64 where number >> UInt64(bit) & 1 == 1 { ones[bit] += 1 }
    }
    // Five standard deviations of a fair coin.
    let slack = 5 * (Double(count) / 4).squareRoot()
    #expect(ones.allSatisfy { abs(Double($0) - Double(count) / 2) < slack })
  }
}
