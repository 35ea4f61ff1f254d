import Quantize
import Tensors
import TestSupport
import Testing

/// What schemes make of ranges and of weights.
@Suite struct SchemeTests {
  private func scheme(_ change: (inout QuantizationScheme) -> Void) -> QuantizationScheme {
    var scheme = QuantizationScheme()
    change(&scheme)
    return scheme
  }

  private func weights(_ shape: [Int], seed: UInt64) -> Tensor {
    var random = SplitMix64(seed: seed)
    return Tensor(
      (0..<shape.product).map { Float.random(in: -1...1, using: &random) * Float($0 % 7 + 1) },
      shape: shape)
  }

  @Test(arguments: [2, 4, 8])
  func zeroIsAlwaysExact(bits: Int) {
    for range in [Float(-3)...5, 0...6, -2...(-1), 1...9] {
      for variant in [
        scheme { $0.activationBits = bits },
        scheme {
          $0.activationBits = bits
          $0.symmetricActivations = true
        },
        scheme {
          $0.activationBits = bits
          $0.powerOfTwo = true
        },
      ] {
        let map = variant.activation(range)
        let integers = variant.activationRange
        #expect(integers.contains(map.zeroPoint))
        #expect(map.float(map.quantized(0, in: integers)) == 0)
        for end in [range.lowerBound, range.upperBound] {
          let error = abs(map.float(map.quantized(end, in: integers)) - end)
          #expect(error <= map.scale * 1.01, "\(range) \(variant)")
        }
      }
    }
  }

  @Test func powersOfTwoArePowersOfTwo() {
    let map = scheme { $0.powerOfTwo = true }.activation(-1...2.3)
    #expect(map.scale.significand == 1 && map.scale >= 3.3 / 255)
  }

  @Test(arguments: [2, 4, 6, 8], [true, false])
  func weightsLieWithinHalfAStep(bits: Int, perChannel: Bool) {
    let tensor = weights([5, 4, 3, 3], seed: 1)
    let scheme = scheme {
      $0.weightBits = bits
      $0.perChannel = perChannel
    }
    let quantized = QuantizedWeights(tensor, axis: 0, scheme: scheme, bias: nil, inputScale: 1)
    #expect(quantized.scales.count == (perChannel ? 5 : 1))
    let limit = Int(scheme.weightLimit)
    #expect(quantized.integers.integers.allSatisfy { abs($0) <= limit })
    for (index, (real, original)) in zip(quantized.floats(axis: 0), tensor.floats).enumerated() {
      let scale = quantized.scales[perChannel ? index / 36 : 0]
      #expect(abs(real - original) <= 0.5001 * scale)
    }
  }

  @Test func outputsMayRunAlongTheLastAxis() {
    let tensor = weights([6, 4], seed: 2)
    let quantized = QuantizedWeights(tensor, axis: -1, scheme: .init(), bias: nil, inputScale: 1)
    #expect(quantized.scales.count == 4)
    for channel in 0..<4 {
      let largest = (0..<6).map { abs(tensor.floats[$0 * 4 + channel]) }.max() ?? 0
      #expect(abs(quantized.scales[channel] * 127 - largest) < 1e-5)
    }
  }

  @Test func theLogarithmicGridHoldsPowersOfTwo() {
    let scheme = scheme {
      $0.weightGrid = .log2
      $0.weightBits = 4
    }
    let quantized = QuantizedWeights(
      weights([3, 50], seed: 3), axis: 0, scheme: scheme, bias: nil, inputScale: 1)
    let values = Set(quantized.integers.integers.map { abs($0) })
    #expect(values.isSubset(of: [0, 1, 2, 4, 8, 16, 32, 64]))
    #expect(values.contains(64) && values.count > 4)
  }

  @Test(arguments: [(8, false, true), (8, true, false), (7, false, false), (4, false, false)])
  func pairsOfProductsFitSixteenBitsBelowEight(bits: Int, reduces: Bool, saturates: Bool) {
    var scheme = QuantizationScheme()
    (scheme.weightBits, scheme.reduceRange) = (bits, reduces)
    #expect(scheme.maySaturate == saturates)
  }

  @Test func aReducedRangeHasSevenBits() {
    let scheme = scheme { $0.reduceRange = true }
    let quantized = QuantizedWeights(
      weights([2, 90], seed: 4), axis: 0, scheme: scheme, bias: nil, inputScale: 1)
    #expect(quantized.integers.integers.map { abs($0) }.max() == 63)
  }

  @Test func biasesFitThirtyTwoBits() {
    let tiny = Tensor([Float](repeating: 1e-12, count: 8), shape: [2, 4])
    let quantized = QuantizedWeights(
      tiny, axis: 0, scheme: .init(), bias: [5, 0], inputScale: 1e-3)
    #expect(5 / (quantized.scales[0] * 1e-3) < Float(Int32.max))
  }
}
