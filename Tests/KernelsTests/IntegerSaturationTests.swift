import Kernels
import Tensors
import TestSupport
import Testing

/// Convolutions whose pairs of products saturate at 16 bits, against loops that do just that.
@Suite struct IntegerSaturationTests {
  private static func geometry(groups: Int) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: 2, inputChannels: 6, inputHeight: 7, inputWidth: 6, outputChannels: 4, kernelHeight: 3,
      kernelWidth: 3, strideHeight: 2, strideWidth: 1, padTop: 1, padLeft: 1, padBottom: 1,
      padRight: 1, groups: groups)
  }

  /// `Σ sat₁₆(x₀ w₀ + x₁ w₁) − zₓ Σ w` over padded inputs, pairs along taps and, within them,
  /// channels.
  private static func reference(
    _ g: ConvolutionGeometry, _ x: [UInt8], _ w: [Int8], zero: Int32
  ) -> [Int32] {
    let channels = g.inputChannels / g.groups
    func input(_ image: Int, _ channel: Int, _ y: Int, _ x0: Int) -> Int32 {
      guard y >= 0, y < g.inputHeight, x0 >= 0, x0 < g.inputWidth else { return zero }
      return Int32(
        x[((image * g.inputChannels + channel) * g.inputHeight + y) * g.inputWidth + x0])
    }
    func sum(_ image: Int, _ output: Int, _ y: Int, _ x: Int) -> Int32 {
      let first = output / (g.outputChannels / g.groups) * channels
      var (products, sum): ([Int32], Int32) = ([], 0)
      for tapY in 0..<g.kernelHeight {
        for tapX in 0..<g.kernelWidth {
          for channel in 0..<channels {
            let row = (output * channels + channel) * g.kernelHeight + tapY
            let weight = Int32(w[row * g.kernelWidth + tapX])
            products.append(
              weight
                * input(
                  image, first + channel, y * g.strideHeight + tapY - g.padTop,
                  x * g.strideWidth + tapX - g.padLeft))
            sum -= zero * weight
          }
        }
      }
      for pair in stride(from: 0, to: products.count, by: 2) {
        sum += products[pair...].prefix(2).reduce(0, +).clamped(to: -32_768...32_767)
      }
      return sum
    }
    return (0..<g.batch).flatMap { image in
      (0..<g.outputChannels).flatMap { output in
        (0..<g.outputHeight).flatMap { y in
          (0..<g.outputWidth).map { sum(image, output, y, $0) }
        }
      }
    }
  }

  private func run(
    _ g: ConvolutionGeometry, _ x: [UInt8], _ w: [Int8], saturates: Bool, threads: Int,
    on instructionSet: InstructionSet = .best
  ) -> [Int32] {
    let convolution = w.withUnsafeBufferPointer { weights in
      IntegerConvolution(
        g, weights: UnsafeRawPointer(weights.baseAddress.unsafelyUnwrapped), isSigned: true,
        saturates: saturates, instructionSet: instructionSet)
    }
    let scratch = UnsafeMutableRawPointer.allocate(
      byteCount: convolution.scratchBytes(threads: threads), alignment: 64)
    defer { scratch.deallocate() }
    var result = [Int32](
      repeating: 0, count: g.batch * g.outputChannels * g.outputHeight * g.outputWidth)
    result.withUnsafeMutableBufferPointer { result in
      x.withUnsafeBytes { x in
        guard let x = x.baseAddress, let target = result.baseAddress else { return }
        convolution.run(
          input: x, isSigned: false, zeroPoint: 9, to: .sums(target), scratch: scratch,
          pool: ThreadPool(threads: threads))
      }
    }
    return result
  }

  @Test(arguments: [1, 2, 3]) func pairsSaturate(groups: Int) {
    var g = Self.geometry(groups: groups)
    g.outputChannels = 9 * groups
    var random = SplitMix64(seed: 1)
    let x = (0..<g.batch * 6 * 42).map { _ in UInt8.random(in: 0...255, using: &random) }
    let w = (0..<g.outputChannels * 6 / groups * 9).map { _ in
      Int8.random(in: -127...127, using: &random)
    }
    let expected = Self.reference(g, x, w, zero: 9)
    for set in InstructionSet.supported {
      #expect(run(g, x, w, saturates: true, threads: 1, on: set) == expected, "\(set)")
    }
    #expect(run(g, x, w, saturates: true, threads: 3) == expected)
    #expect(run(g, x, w, saturates: false, threads: 1) != expected)
    // Weights of 7 bits never saturate.
    let halved = w.map { $0 / 2 }
    #expect(
      run(g, x, halved, saturates: true, threads: 1)
        == run(g, x, halved, saturates: false, threads: 1))
  }
}

extension Int32 {
  fileprivate func clamped(to bounds: ClosedRange<Int32>) -> Int32 {
    Swift.min(bounds.upperBound, Swift.max(bounds.lowerBound, self))
  }
}
