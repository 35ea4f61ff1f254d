import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

/// Seeded geometries of every kind the kernels tell apart.
private func geometry(_ index: Int) -> ConvolutionGeometry {
  var random = SplitMix64(seed: UInt64(index))
  let depthwise = index % 3 == 0
  let groups = depthwise ? Int.random(in: 2...19, using: &random) : [1, 1, 2, 3][index % 4]
  let perGroup = depthwise ? 1 : Int.random(in: 1...21, using: &random)
  let kernel = [1, 3, 3, 5, 2, 7][index % 6]
  let stride = [1, 1, 2, 3][index / 2 % 4]
  let dilation = kernel > 1 && index % 5 == 0 ? 2 : 1
  let reach = dilation * (kernel - 1) + 1
  return ConvolutionGeometry(
    batch: Int.random(in: 1...2, using: &random), inputChannels: groups * perGroup,
    inputHeight: Int.random(in: reach...reach + 24, using: &random),
    inputWidth: Int.random(in: reach...reach + 61, using: &random),
    outputChannels: depthwise ? groups : groups * Int.random(in: 1...27, using: &random),
    kernelHeight: kernel, kernelWidth: index % 7 == 0 ? 1 : kernel, strideHeight: stride,
    strideWidth: index % 11 == 0 ? 1 : stride, dilationHeight: dilation, dilationWidth: dilation,
    padTop: Int.random(in: 0...reach - 1, using: &random),
    padLeft: Int.random(in: 0...reach - 1, using: &random),
    padBottom: Int.random(in: 0...reach - 1, using: &random),
    padRight: index % 7 == 0 ? 0 : Int.random(in: 0...reach - 1, using: &random), groups: groups)
}

/// Square depthwise kernels that read planes where they lie, narrower and wider than a vector.
private func directDepthwise(_ index: Int) -> ConvolutionGeometry {
  var random = SplitMix64(seed: UInt64(7000 + index))
  let kernel = [3, 5][index % 2]
  let pads = (0..<4).map { _ in Int.random(in: 0...kernel / 2, using: &random) }
  let channels = Int.random(in: 2...5, using: &random)
  return ConvolutionGeometry(
    inputChannels: channels, inputHeight: Int.random(in: kernel...kernel + 40, using: &random),
    inputWidth: Int.random(in: kernel...kernel + 70, using: &random), outputChannels: channels,
    kernelHeight: kernel, kernelWidth: kernel, strideHeight: 1 + index / 2 % 2,
    strideWidth: 1 + index / 2 % 2, padTop: pads[0], padLeft: pads[1], padBottom: pads[2],
    padRight: pads[3], groups: channels)
}

/// Convolutions that are cut up: into bands by the size of the frame, among threads by rows or by
/// channels; planes an integral number of pages apart.
private let cutUp = [
  ConvolutionGeometry(
    inputChannels: 24, inputHeight: 70, inputWidth: 66, outputChannels: 9, kernelHeight: 3,
    kernelWidth: 3, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1),
  ConvolutionGeometry(
    inputChannels: 17, inputHeight: 75, inputWidth: 91, outputChannels: 13, kernelHeight: 3,
    kernelWidth: 3, strideHeight: 2, strideWidth: 2, padTop: 1, padLeft: 1, padBottom: 1,
    padRight: 1),
  ConvolutionGeometry(
    inputChannels: 3, inputHeight: 90, inputWidth: 150, outputChannels: 12, kernelHeight: 6,
    kernelWidth: 6, strideHeight: 2, strideWidth: 2, padTop: 2, padLeft: 2, padBottom: 2,
    padRight: 2),
  ConvolutionGeometry(
    inputChannels: 20, inputHeight: 32, inputWidth: 64, outputChannels: 27, kernelHeight: 1,
    kernelWidth: 1),
  ConvolutionGeometry(
    inputChannels: 70, inputHeight: 32, inputWidth: 32, outputChannels: 33, kernelHeight: 1,
    kernelWidth: 1),
  ConvolutionGeometry(
    batch: 2, inputChannels: 40, inputHeight: 5, inputWidth: 7, outputChannels: 43,
    kernelHeight: 1, kernelWidth: 1),
  ConvolutionGeometry(
    inputChannels: 40, inputHeight: 5, inputWidth: 4, outputChannels: 43, kernelHeight: 3,
    kernelWidth: 3, padTop: 1, padLeft: 1, padBottom: 1, padRight: 1),
]

private func run(
  _ g: ConvolutionGeometry, _ x: [Float], _ w: [Float], _ bias: [Float], _ epilogue: Epilogue,
  residual: [Float]?, _ set: InstructionSet, threads: Int
) -> [Float] {
  let prepared = PreparedConvolution(
    g, weights: w, bias: bias, epilogue: epilogue, instructionSet: set)
  let count = g.batch * g.outputChannels * g.outputHeight * g.outputWidth
  var y = [Float](repeating: .nan, count: count)
  let input = Tensor(x)
  let pool = ThreadPool(threads: threads)
  let scratch = UnsafeMutableRawPointer.allocate(
    byteCount: max(64, prepared.scratchBytes(threads: threads)), alignment: 64)
  defer { scratch.deallocate() }
  input.withUnsafeElements(as: Float.self) { x in
    guard let base = x.baseAddress else { return }
    prepared.run(
      input: base, residual: residual, output: &y, scratch: scratch, pool: pool)
  }
  return y
}

@Suite struct ConvolutionTests {
  @Test(arguments: 0..<120)
  func agreesWithTheDefinition(index: Int) { check(geometry(index), seed: index + 1000) }

  @Test(arguments: 0..<48)
  func depthwiseKernelsReadPlanesUpToTheirEdges(index: Int) {
    check(directDepthwise(index), seed: index)
  }

  @Test(arguments: cutUp.indices)
  func bandsAndTilesMeet(index: Int) { check(cutUp[index], seed: index) }

  private func check(_ g: ConvolutionGeometry, seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    func values(_ count: Int) -> [Float] {
      (0..<count).map { _ in Float.random(in: -1...1, using: &random) }
    }
    let x = values(g.batch * g.inputChannels * g.inputHeight * g.inputWidth)
    let w = values(g.outputChannels * g.inputChannels / g.groups * g.kernelHeight * g.kernelWidth)
    let bias = values(g.outputChannels)
    let expected = ConvolutionTwin.convolved(g, x, w, bias)
    for set in InstructionSet.supported {
      let plain = run(g, x, w, bias, Epilogue(), residual: nil, set, threads: 1)
      #expect(
        normalizedMaxError(plain.map(Double.init), expected) <= Tolerance.rounding.bound, "\(g)")
      #expect(run(g, x, w, bias, Epilogue(), residual: nil, set, threads: 2) == plain)
      let silu = run(g, x, w, bias, Epilogue(activation: .silu), residual: nil, set, threads: 2)
      #expect(
        normalizedMaxError(silu.map(Double.init), expected.map { $0 / (1 + exp(-$0)) })
          <= Tolerance.fastMath.bound)
      let clip = Epilogue(activation: .clip(lowest: -0.5, highest: 0.75))
      #expect(
        run(g, x, w, bias, clip, residual: nil, set, threads: 2)
          == plain.map { min(max($0, -0.5), 0.75) })
    }
    let extra = values(expected.count)
    let before = Epilogue(activation: .leakyRelu(slope: 0.1), residual: .beforeActivation)
    let after = Epilogue(activation: .relu, residual: .afterActivation)
    let sums = zip(expected, extra).map { $0 + Double($1) }
    #expect(
      normalizedMaxError(
        run(g, x, w, bias, before, residual: extra, .best, threads: 2).map(Double.init),
        sums.map { $0 < 0 ? 0.1 * $0 : $0 }) <= Tolerance.rounding.bound)
    #expect(
      normalizedMaxError(
        run(g, x, w, bias, after, residual: extra, .best, threads: 2).map(Double.init),
        zip(expected, extra).map { max($0, 0) + Double($1) }) <= Tolerance.rounding.bound)
  }
}
