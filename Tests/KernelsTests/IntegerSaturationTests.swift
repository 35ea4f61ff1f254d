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

  /// `Σ sat₁₆(x₀ w₀ + x₁ w₁) − zₓ Σ w` over padded inputs.
  private static func reference(
    _ g: ConvolutionGeometry, _ x: [UInt8], _ w: [Int8], zero: Int32
  ) -> [Int32] {
    let channels = g.inputChannels / g.groups
    func input(_ image: Int, _ channel: Int, _ y: Int, _ x0: Int) -> Int32 {
      guard y >= 0, y < g.inputHeight, x0 >= 0, x0 < g.inputWidth else { return zero }
      return Int32(
        x[((image * g.inputChannels + channel) * g.inputHeight + y) * g.inputWidth + x0])
    }
    var result: [Int32] = []
    for image in 0..<g.batch {
      for output in 0..<g.outputChannels {
        let first = output / (g.outputChannels / g.groups) * channels
        for y in 0..<g.outputHeight {
          for x0 in 0..<g.outputWidth {
            var sum: Int32 = 0
            for tapY in 0..<g.kernelHeight {
              for tapX in 0..<g.kernelWidth {
                let row = y * g.strideHeight + tapY - g.padTop
                let column = x0 * g.strideWidth + tapX - g.padLeft
                func weight(_ channel: Int) -> Int32 {
                  Int32(
                    w[
                      ((output * channels + channel) * g.kernelHeight + tapY) * g.kernelWidth + tapX
                    ]
                  )
                }
                for pair in stride(from: 0, to: channels, by: 2) {
                  var both = input(image, first + pair, row, column) * weight(pair)
                  sum -= zero * weight(pair)
                  if pair + 1 < channels {
                    both += input(image, first + pair + 1, row, column) * weight(pair + 1)
                    sum -= zero * weight(pair + 1)
                  }
                  sum += min(32_767, max(-32_768, both))
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return result
  }

  private func run(
    _ g: ConvolutionGeometry, _ x: [UInt8], _ w: [Int8], saturates: Bool, threads: Int
  ) -> [Int32] {
    let convolution = w.withUnsafeBufferPointer { weights in
      IntegerConvolution(
        g, weights: UnsafeRawPointer(weights.baseAddress.unsafelyUnwrapped), isSigned: true,
        saturates: saturates)
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
    g.outputChannels = 2 * groups
    var random = SplitMix64(seed: 1)
    let x = (0..<g.batch * 6 * 42).map { _ in UInt8.random(in: 0...255, using: &random) }
    let w = (0..<g.outputChannels * 6 / groups * 9).map { _ in
      Int8.random(in: -127...127, using: &random)
    }
    let expected = Self.reference(g, x, w, zero: 9)
    #expect(run(g, x, w, saturates: true, threads: 1) == expected)
    #expect(run(g, x, w, saturates: true, threads: 3) == expected)
    #expect(run(g, x, w, saturates: false, threads: 1) != expected)
    // Weights of 7 bits never saturate.
    let halved = w.map { $0 / 2 }
    #expect(
      run(g, x, halved, saturates: true, threads: 1)
        == run(g, x, halved, saturates: false, threads: 1))
  }
}
