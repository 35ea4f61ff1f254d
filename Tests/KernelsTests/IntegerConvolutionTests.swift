import Kernels
import Tensors
import TestSupport
import Testing

struct IntegerConvolutionTests {
  struct Sample: Sendable, CustomStringConvertible {
    var description: String
    var geometry: ConvolutionGeometry
  }

  static let samples: [Sample] = [
    sample("1x1", 7, 9, 13, 11, 1, pad: 0),
    sample("1x1 wide", 16, 40, 20, 24, 1, pad: 0),
    sample("1x1 stride", 6, 9, 13, 11, 1, stride: 2, pad: 0),
    sample("3x3", 5, 10, 17, 8, 3, pad: 1),
    sample("3x3 stride", 3, 20, 31, 16, 3, stride: 2, pad: 1),
    sample("3x3 stride 3", 4, 12, 11, 8, 3, stride: 3, pad: 2),
    sample("dilated", 6, 12, 15, 9, 3, dilation: 2, pad: 2),
    sample("groups", 12, 9, 10, 18, 3, pad: 1, groups: 3),
    sample("depthwise", 6, 9, 10, 6, 3, pad: 1, groups: 6),
    sample("depthwise stride", 5, 9, 10, 5, 5, stride: 2, pad: 2, groups: 5),
    sample("batch", 3, 5, 6, 4, 3, pad: 1, batch: 3),
    sample("one pixel", 9, 1, 1, 5, 1, pad: 0),
  ]

  static func sample(
    _ name: String, _ inputs: Int, _ height: Int, _ width: Int, _ outputs: Int, _ kernel: Int,
    stride: Int = 1, dilation: Int = 1, pad: Int, groups: Int = 1, batch: Int = 1
  ) -> Sample {
    Sample(
      description: name,
      geometry: ConvolutionGeometry(
        batch: batch, inputChannels: inputs, inputHeight: height, inputWidth: width,
        outputChannels: outputs, kernelHeight: kernel, kernelWidth: kernel, strideHeight: stride,
        strideWidth: stride, dilationHeight: dilation, dilationWidth: dilation, padTop: pad,
        padLeft: pad, padBottom: pad, padRight: pad, groups: groups))
  }

  @Test(arguments: samples, InstructionSet.supported)
  func sumsEqualThePlainTwin(sample: Sample, set: InstructionSet) {
    for (index, isSigned) in [(false, false), (true, false), (false, true), (true, true)]
      .enumerated()
    {
      for threads in [1, 2] {
        check(
          sample.geometry, set, inputIsSigned: isSigned.0, weightsAreSigned: isSigned.1,
          perChannel: index % 2 == 1, threads: threads)
      }
    }
  }

  private func check(
    _ geometry: ConvolutionGeometry, _ set: InstructionSet, inputIsSigned: Bool,
    weightsAreSigned: Bool, perChannel: Bool, threads: Int
  ) {
    var random = SplitMix64(seed: 11)
    func bytes(_ count: Int) -> [UInt8] {
      (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    }
    func values(_ bytes: [UInt8], _ isSigned: Bool) -> [Int32] {
      bytes.map { isSigned ? Int32(Int8(bitPattern: $0)) : Int32($0) }
    }
    let g = geometry
    let input = bytes(g.batch * g.inputChannels * g.inputHeight * g.inputWidth)
    let depth = g.inputChannels / g.groups * g.kernelHeight * g.kernelWidth
    let weights = bytes(g.outputChannels * depth)
    let inputZero = values(bytes(1), inputIsSigned)[0]
    let weightZeros = values(bytes(perChannel ? g.outputChannels : 1), weightsAreSigned)
    let expected = IntegerConvolution.reference(
      g, input: values(input, inputIsSigned), inputZeroPoint: inputZero,
      weights: values(weights, weightsAreSigned), weightZeroPoints: weightZeros)
    let convolution = IntegerConvolution(
      g, weights: weights, isSigned: weightsAreSigned, zeroPoints: weightZeros, instructionSet: set)
    var sums = [Int32](repeating: .min, count: expected.count)
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: convolution.scratchBytes(threads: threads), alignment: 64)
    defer { scratch.deallocate() }
    sums.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      input.withUnsafeBytes { source in
        guard let start = source.baseAddress else { return }
        convolution.run(
          input: start, isSigned: inputIsSigned, zeroPoint: inputZero, to: .sums(base),
          scratch: scratch, pool: ThreadPool(threads: threads))
      }
    }
    #expect(sums == expected)
  }

  @Test(arguments: samples, InstructionSet.supported)
  func bytesAreRoundedSumsLookedUp(sample: Sample, set: InstructionSet) {
    var random = SplitMix64(seed: 5)
    let g = sample.geometry
    let input = (0..<g.batch * g.inputChannels * g.inputHeight * g.inputWidth).map { _ in
      UInt8.random(in: .min ... .max, using: &random)
    }
    let depth = g.inputChannels / g.groups * g.kernelHeight * g.kernelWidth
    let weights = (0..<g.outputChannels * depth).map { _ in
      Int8.random(in: .min ... .max, using: &random)
    }
    let zeros = (0..<g.outputChannels).map { _ in Int32.random(in: 0...2, using: &random) }
    let bias = (0..<g.outputChannels).map { _ in Int32.random(in: -9999...9999, using: &random) }
    let entries = (0..<256).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let sums = IntegerConvolution.reference(
      g, input: input.map(Int32.init), inputZeroPoint: 7, weights: weights.map(Int32.init),
      weightZeroPoints: zeros)
    let convolution = IntegerConvolution(
      g, weights: weights, isSigned: true, zeroPoints: zeros, instructionSet: set)
    for (scales, isSigned, looksUp) in [
      ([Float(0.00037)], true, false),
      ((0..<g.outputChannels).map { 0.0001 * Float($0 % 5 + 1) }, false, true),
    ] {
      let expected = sums.indices.map { index in
        let channel = index / (g.outputHeight * g.outputWidth) % g.outputChannels
        let real = Float(sums[index] + bias[channel]) * scales[scales.count == 1 ? 0 : channel]
        let (low, high) = isSigned ? (-128, 127) : (0, 255)
        let byte = UInt8(
          truncatingIfNeeded: max(low, min(high, Int(real.rounded(.toNearestOrEven)) + 3)))
        return looksUp ? entries[Int(byte)] : byte
      }
      for threads in [1, 2] {
        #expect(
          bytes(
            convolution, input, bias, scales, zeroPoint: 3, isSigned: isSigned,
            entries: looksUp ? entries : nil, count: sums.count, threads: threads) == expected)
      }
    }
  }

  private func bytes(
    _ convolution: IntegerConvolution, _ input: [UInt8], _ bias: [Int32], _ scales: [Float],
    zeroPoint: Int32, isSigned: Bool, entries: [UInt8]?, count: Int, threads: Int
  ) -> [UInt8] {
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: convolution.scratchBytes(threads: threads) + ByteLookup.bytes, alignment: 64)
    defer { scratch.deallocate() }
    let table = scratch + convolution.scratchBytes(threads: threads)
    let guards = 64
    var output = [UInt8](repeating: 0xa5, count: count + guards)
    output.withUnsafeMutableBufferPointer { output in
      scales.withUnsafeBufferPointer { scales in
        bias.withUnsafeBufferPointer { bias in
          let map = Requantization(
            scales: scales, bias: bias.baseAddress, zeroPoint: zeroPoint, isSigned: isSigned,
            lookup: entries.map { ByteLookup($0, in: table) })
          guard let base = output.baseAddress else { return }
          convolution.run(
            input: input, isSigned: false, zeroPoint: 7, to: .quantized(base, map),
            scratch: scratch, pool: ThreadPool(threads: threads))
        }
      }
    }
    #expect(output.suffix(guards).allSatisfy { $0 == 0xa5 }, "wrote beyond the last pixel")
    return Array(output.prefix(count))
  }
}
