import Quantize
import Tensors
import TestSupport
import Testing

@Suite struct MinMaxObserverTests {
  @Test(arguments: [UInt64(1), 2, 3])
  func everythingSeenComesBackWithinHalfAStep(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let batches = (0..<3).map { _ in
      (0..<500).map { _ in Float.random(in: -3...5, using: &random) }
    }
    var observer = MinMaxObserver()
    for batch in batches { observer.observe(batch) }
    let map = try observer.parameters(in: 0...255)
    for value in batches.joined() {
      #expect(abs(map.real(map.quantized(value, in: 0...255)) - value) <= map.scale * 0.5001)
    }
    #expect(map.real(map.quantized(0, in: 0...255)) == 0)
  }

  @Test func batchesInAnyOrderGiveTheSameRange() throws {
    var (one, two) = (MinMaxObserver(), MinMaxObserver())
    for batch in [[1, -2], [Float(7)], []] { one.observe(batch) }
    for batch in [[], [Float(7)], [1, -2]] { two.observe(batch) }
    #expect(try one.range() == -2...7)
    #expect(try two.range() == -2...7)
  }

  @Test func whatIsNotFiniteIsPassedOver() throws {
    var observer = MinMaxObserver()
    observer.observe([.nan, .infinity])
    #expect(throws: CalibrationError.nothingObserved) { try observer.range() }
    observer.observe([-.infinity, 2])
    #expect(try observer.range() == 2...2)
  }
}
