import Kernels
import Tensors
import TestSupport
import Testing

/// The gradients of convolutions against plain sums over every tap.
@Suite struct ConvolutionGradientTests {
  static let geometries: [ConvolutionGeometry] = [
    geometry(batch: 3, inputs: 9, outputs: 11, size: (7, 6), kernel: (3, 3), pad: 1),
    geometry(batch: 2, inputs: 16, outputs: 24, size: (10, 9), kernel: (3, 3), stride: 2, pad: 1),
    geometry(batch: 2, inputs: 8, outputs: 8, size: (9, 9), kernel: (1, 1)),
    geometry(batch: 1, inputs: 50, outputs: 13, size: (8, 11), kernel: (1, 1), stride: 2),
    geometry(batch: 2, inputs: 3, outputs: 16, size: (12, 12), kernel: (6, 6), stride: 2, pad: 2),
    geometry(batch: 2, inputs: 16, outputs: 16, size: (8, 8), kernel: (3, 3), pad: 1, groups: 2),
    geometry(batch: 2, inputs: 12, outputs: 6, size: (8, 8), kernel: (3, 3), pad: 1, groups: 3),
    geometry(batch: 2, inputs: 10, outputs: 10, size: (9, 7), kernel: (3, 3), pad: 1, groups: 10),
    geometry(
      batch: 2, inputs: 10, outputs: 10, size: (9, 7), kernel: (5, 5), stride: 2, pad: 2,
      groups: 10),
    geometry(batch: 4, inputs: 5, outputs: 12, size: (24, 42), kernel: (3, 3), stride: 3),
    geometry(batch: 4, inputs: 9, outputs: 4, size: (66, 65), kernel: (3, 3), stride: 2, pad: 1),
    geometry(
      batch: 2, inputs: 8, outputs: 9, size: (13, 12), kernel: (3, 3), pad: 2, dilation: 2),
    geometry(batch: 9, inputs: 8, outputs: 8, size: (5, 4), kernel: (3, 1), pad: 1),
  ]

  private static func geometry(
    batch: Int, inputs: Int, outputs: Int, size: (Int, Int), kernel: (Int, Int), stride: Int = 1,
    pad: Int = 0, dilation: Int = 1, groups: Int = 1
  ) -> ConvolutionGeometry {
    ConvolutionGeometry(
      batch: batch, inputChannels: inputs, inputHeight: size.0, inputWidth: size.1,
      outputChannels: outputs, kernelHeight: kernel.0, kernelWidth: kernel.1, strideHeight: stride,
      strideWidth: stride, dilationHeight: dilation, dilationWidth: dilation, padTop: pad,
      padLeft: pad, padBottom: pad, padRight: pad, groups: groups)
  }

  private static func random(_ count: Int, _ seed: UInt64) -> [Float] {
    var random = CounterRandom(seed: seed)
    // Kernels may read up to 256 bytes beyond the end.
    return (0..<count + 64).map { _ in Float.random(in: -1...1, using: &random) }
  }

  @Test(arguments: geometries.indices, InstructionSet.supported)
  func weights(place: Int, instructionSet: InstructionSet) {
    let g = Self.geometries[place]
    let count = ConvolutionTwin.counts(g)
    let (x, dy) = (Self.random(count.x, 1), Self.random(count.y, 2))
    var expected = [Double](repeating: 0, count: count.w)
    ConvolutionTwin.forEachProduct(g) { expected[$2] += Double(dy[$0]) * Double(x[$1]) }
    var results: [[Float]] = []
    for threads in [1, 3] {
      let gradient = WeightGradient(g, instructionSet: instructionSet)
      var result = [Float](repeating: .nan, count: count.w)
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(gradient.scratchBytes, 64), alignment: 64)
      defer { scratch.deallocate() }
      result.withUnsafeMutableBufferPointer { result in
        guard let base = result.baseAddress else { return }
        gradient.run(
          gradient: dy, input: x, output: base, scratch: scratch,
          pool: ThreadPool(threads: threads))
      }
      results.append(result)
    }
    #expect(results[0] == results[1])
    #expect(normalizedMaxError(results[0].map(Double.init), expected) <= Tolerance.fastMath.bound)
  }

  @Test func paddingBeyondTheKernelIsLeftToTheTransposedConvolution() throws {
    #expect(InputGradient(try #require(Self.geometries.last)) == nil)
  }

  @Test(arguments: geometries.indices.dropLast(), InstructionSet.supported)
  func inputs(place: Int, instructionSet: InstructionSet) throws {
    let g = Self.geometries[place]
    let count = ConvolutionTwin.counts(g)
    let (w, dy) = (Self.random(count.w, 3), Self.random(count.y, 4))
    var expected = [Double](repeating: 0, count: count.x)
    ConvolutionTwin.forEachProduct(g) { expected[$1] += Double(dy[$0]) * Double(w[$2]) }
    let gradient = try #require(InputGradient(g, instructionSet: instructionSet))
    var results: [[Float]] = []
    for threads in [1, 3] {
      var result = [Float](repeating: .nan, count: count.x)
      let scratch = UnsafeMutableRawPointer.allocate(
        byteCount: max(gradient.scratchBytes(threads: threads), 64), alignment: 64)
      defer { scratch.deallocate() }
      result.withUnsafeMutableBufferPointer { result in
        guard let base = result.baseAddress else { return }
        gradient.run(
          gradient: dy, weights: w, output: base, scratch: scratch,
          pool: ThreadPool(threads: threads))
      }
      results.append(result)
    }
    #expect(results[0] == results[1])
    #expect(normalizedMaxError(results[0].map(Double.init), expected) <= Tolerance.fastMath.bound)
  }
}
