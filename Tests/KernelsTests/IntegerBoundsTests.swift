import Kernels
import Tensors
import TestSupport
import Testing

/// Integer convolutions of any geometry, between pages that nobody may touch.
@Suite struct IntegerBoundsTests {
  private struct Sample {
    let geometry: ConvolutionGeometry
    let isSigned: Bool
    let x: [UInt8]
    let w: [UInt8]
    let inputZero: Int32
    let weightZeros: [Int32]
    let bias: [Int32]
    let scales: [Float]
    let entries: [UInt8]

    init(_ seed: Int, weightBits: UInt8 = 8) {
      let g = WildGeometry.geometry(1000 + seed)
      var random = SplitMix64(seed: UInt64(seed))
      let count = ConvolutionTwin.counts(g)
      (geometry, isSigned) = (g, seed % 2 == 0)
      (x, w) = (random.bytes(count.x), random.bytes(count.w).map { $0 >> (8 - weightBits) })
      let signed = isSigned
      func numbers(_ bytes: [UInt8]) -> [Int32] { Self.values(bytes, signed) }
      inputZero = numbers(random.bytes(1))[0]
      weightZeros =
        switch seed % 3 {
        case 0: [0]
        case 1: numbers(random.bytes(1))
        default: numbers(random.bytes(g.outputChannels))
        }
      bias = random.bytes(g.outputChannels).map { 37 * Int32($0) - 4000 }
      scales = random.floats(seed % 5 == 0 ? 1 : g.outputChannels).map { abs($0) * 1e-3 + 1e-5 }
      entries = random.bytes(256)
    }

    static func values(_ bytes: [UInt8], _ isSigned: Bool) -> [Int32] {
      bytes.map { isSigned ? Int32(Int8(bitPattern: $0)) : Int32($0) }
    }

    var sums: [Int32] {
      IntegerConvolution.reference(
        geometry, input: Self.values(x, isSigned), inputZeroPoint: inputZero,
        weights: Self.values(w, isSigned), weightZeroPoints: weightZeros)
    }

    /// The bytes that sums become.
    func quantized(_ sums: [Int32]) -> [UInt8] {
      let plane = geometry.outputHeight * geometry.outputWidth
      return sums.indices.map { index in
        let channel = index / plane % geometry.outputChannels
        let real =
          Float(sums[index] &+ bias[channel]) * scales[scales.count == 1 ? 0 : channel]
        let (low, high): (Float, Float) = isSigned ? (-128, 127) : (0, 255)
        let whole = max(low - 3, min(high - 3, real.rounded(.toNearestOrEven))) + 3
        return entries[Int(UInt8(truncatingIfNeeded: Int(whole)))]
      }
    }
  }

  private static let (one, three) = (ThreadPool(threads: 1), ThreadPool(threads: 3))

  private enum Result: CaseIterable { case sums, bytes, floats }

  @Test(arguments: 0..<300) func convolutions(seed: Int) {
    check(Sample(seed), saturates: false, pool: seed % 8 == 0 ? Self.three : Self.one)
  }

  /// Weights of seven bits never saturate, so that the plain twin serves both.
  @Test(arguments: 0..<120) func saturatingConvolutions(seed: Int) {
    check(
      Sample(2 * seed, weightBits: 6), saturates: true, pool: seed % 8 == 0 ? Self.three : Self.one)
  }

  private func check(_ sample: Sample, saturates: Bool, pool: ThreadPool) {
    let sums = sample.sums
    let bytes = sample.quantized(sums)
    for set in InstructionSet.supported {
      for edge in GuardedMemory.Edge.allCases {
        let weights = GuardedMemory(copying: sample.w, edge: edge)
        defer { withExtendedLifetime(weights) {} }
        let convolution = IntegerConvolution(
          sample.geometry, weights: weights.base,
          isSigned: sample.isSigned, zeroPoints: sample.weightZeros, saturates: saturates,
          instructionSet: set)
        for result in Result.allCases {
          let output = run(convolution, sample, result, count: sums.count, edge, pool)
          switch result {
          case .sums: #expect(output.elements(as: Int32.self) == sums, "\(set) \(sample.geometry)")
          case .bytes:
            #expect(output.elements(as: UInt8.self) == bytes, "\(set) \(sample.geometry)")
          case .floats:
            #expect(
              output.elements(as: Float.self) == sums.map { Float($0) * 0.5 + 0 },
              "\(set) \(sample.geometry)")
          }
        }
      }
    }
  }

  private func run(
    _ convolution: IntegerConvolution, _ sample: Sample, _ result: Result, count: Int,
    _ edge: GuardedMemory.Edge, _ pool: ThreadPool
  ) -> GuardedMemory {
    let input = GuardedMemory(copying: sample.x, edge: edge)
    let (bias, scales) = (
      GuardedMemory(copying: sample.bias, edge: edge),
      GuardedMemory(copying: result == .floats ? [0.5] : sample.scales, edge: edge)
    )
    let entries = GuardedMemory(copying: sample.entries, edge: edge)
    let table = GuardedMemory(byteCount: ByteLookup.bytes, edge: edge)
    let scratch = GuardedMemory.scratch(
      convolution.scratchBytes(threads: pool.threadCount), edge: edge)
    let output =
      switch result {
      case .sums: GuardedMemory(of: Int32.self, count: count, edge: edge)
      case .bytes: GuardedMemory(of: UInt8.self, count: count, edge: edge)
      case .floats: GuardedMemory(of: Float.self, count: count, edge: edge)
      }
    let factors = UnsafeBufferPointer<Float>(
      start: scales.pointer(), count: result == .floats ? 1 : sample.scales.count)
    let destination: IntegerDestination =
      switch result {
      case .sums: .sums(output.pointer())
      case .bytes:
        .quantized(
          output.pointer(),
          Requantization(
            scales: factors, bias: bias.pointer(), zeroPoint: 3, isSigned: sample.isSigned,
            lookup: ByteLookup(entries.base, in: table.base)))
      case .floats: .floats(output.pointer(), Dequantization(scales: factors, bias: nil))
      }
    convolution.run(
      input: input.base, isSigned: sample.isSigned, zeroPoint: sample.inputZero, to: destination,
      scratch: scratch.base, pool: pool)
    withExtendedLifetime((input, bias, scales, entries, table)) {}
    #expect(output.isIntact && scratch.isIntact, "\(edge) \(sample.geometry)")
    return output
  }
}
