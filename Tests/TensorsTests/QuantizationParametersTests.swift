import Tensors
import TestSupport
import Testing

/// What the affine map promises for any range.
struct QuantizationParametersTests {
  static let types: [ElementType] = [.int4, .uint4, .int8, .uint8, .int16, .uint16]

  @Test(arguments: types) func inRangeTheErrorIsAtMostHalfAStep(type: ElementType) throws {
    let range = try #require(type.quantizedRange)
    var random = SplitMix64(seed: UInt64(range.count))
    for _ in 0..<200 {
      let ends = (0..<2).map { _ in Float.random(in: -50...50, using: &random) }.sorted()
      let map = QuantizationParameters(lowest: ends[0], highest: ends[1], in: range)
      let (lowest, highest) = (map.float(range.lowerBound), map.float(range.upperBound))
      for _ in 0..<20 {
        let real = Float.random(in: lowest...highest, using: &random)
        let error = abs(map.float(map.quantized(real, in: range)) - real)
        // Half a step, and the rounding of the real itself.
        let bound = map.scale / 2 + 4 * max(-lowest, highest).ulp
        #expect(error <= bound, "\(map) at \(real)")
      }
    }
  }

  @Test(arguments: types) func zeroIsExactAndTheRangeIsCovered(type: ElementType) throws {
    let range = try #require(type.quantizedRange)
    var random = SplitMix64(seed: 3)
    for _ in 0..<200 {
      let ends = (0..<2).map { _ in Float.random(in: -9...9, using: &random) }.sorted()
      let map = QuantizationParameters(lowest: ends[0], highest: ends[1], in: range)
      #expect(map.float(map.quantized(0, in: range)) == 0)
      #expect(range.contains(map.zeroPoint))
      #expect(map.float(range.lowerBound) <= min(ends[0], 0) + map.scale * 0.51)
      #expect(map.float(range.upperBound) >= max(ends[1], 0) - map.scale * 0.51)
    }
  }

  @Test(arguments: types) func integersSurviveTheirReals(type: ElementType) throws {
    let range = try #require(type.quantizedRange)
    let map = QuantizationParameters(scale: 0.0371, zeroPoint: range.lowerBound + 3)
    for integer in stride(from: range.lowerBound, through: range.upperBound, by: 1) {
      #expect(map.quantized(map.float(integer), in: range) == integer)
    }
  }

  @Test func whatLiesOutsideIsClampedAndTiesGoToEven() {
    let map = QuantizationParameters(scale: 1, zeroPoint: 0)
    let range: ClosedRange<Int32> = -128...127
    #expect(map.quantized(.infinity, in: range) == 127)
    #expect(map.quantized(-1e30, in: range) == -128)
    #expect(map.quantized(.nan, in: range) == -128)
    #expect([0.5, 1.5, 2.5, -0.5, -1.5].map { map.quantized($0, in: range) } == [0, 2, 2, 0, -2])
  }

  @Test func anEmptyIntervalHasScaleOne() {
    let map = QuantizationParameters(lowest: 0, highest: 0, in: 0...255)
    #expect(map == QuantizationParameters(scale: 1, zeroPoint: 0))
  }
}
