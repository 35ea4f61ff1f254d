import Kernels
import Tensors
import TestSupport
import Testing

/// Convolutions and their gradients of any geometry, between pages that nobody may touch.
@Suite struct ConvolutionBoundsTests {
  /// Bytes beyond the end of an input that kernels may read; see ``PreparedConvolution``.
  private static let slack = 256

  private static let (one, three) = (ThreadPool(threads: 1), ThreadPool(threads: 3))

  /// Several threads take turns for each piece of work, which takes long on few cores: now and then
  /// will do.
  private static func forEachSetting(
    _ seed: Int, _ body: (InstructionSet, GuardedMemory.Edge, ThreadPool) -> Void
  ) {
    for set in InstructionSet.supported {
      for edge in GuardedMemory.Edge.allCases {
        body(set, edge, edge == .end && seed % 8 == 0 ? three : one)
      }
    }
  }

  @Test(arguments: 0..<300) func convolutions(seed: Int) {
    let g = WildGeometry.geometry(seed)
    var random = SplitMix64(seed: 1)
    let count = ConvolutionTwin.counts(g)
    let (x, w) = (random.floats(count.x), random.floats(count.w))
    let (bias, extra) = (random.floats(g.outputChannels), random.floats(count.y))
    let sums = ConvolutionTwin.convolved(g, x, w, bias)
    let joined = zip(sums, extra).map { max($0 + Double($1), 0) }
    Self.forEachSetting(seed) { set, edge, pool in
      let input = GuardedMemory(copying: x, slack: Self.slack, edge: edge)
      let (weights, biases) = (
        GuardedMemory(copying: w, edge: edge), GuardedMemory(copying: bias, edge: edge)
      )
      let residual = GuardedMemory(copying: extra, edge: edge)
      for (epilogue, expected) in [
        (Epilogue(), sums),
        (Epilogue(activation: .relu, residual: .beforeActivation), joined),
      ] {
        let convolution = ConvolutionAlgorithm(g, epilogue: epilogue, instructionSet: set)
        let packed = GuardedMemory(of: Float.self, count: convolution.packedCount, edge: edge)
        convolution.pack(
          weights.pointer(), WeightOrder(g), bias: biases.pointer(), into: packed.pointer(),
          pool: pool)
        let output = GuardedMemory(of: Float.self, count: count.y, edge: edge)
        let scratch = GuardedMemory.scratch(
          convolution.scratchBytes(threads: pool.threadCount), edge: edge)
        convolution.run(
          input: input.pointer(), packed: packed.pointer(),
          residual: epilogue.residual == .none ? nil : UnsafePointer(residual.pointer()),
          output: output.pointer(), scratch: scratch.base, pool: pool)
        let y: [Float] = output.elements()
        #expect(
          normalizedMaxError(y.map(Double.init), expected) <= Tolerance.rounding.bound,
          "\(set) \(g)")
        withExtendedLifetime((input, weights, biases, residual)) {}
        #expect(packed.isIntact && output.isIntact && scratch.isIntact, "\(set) \(edge) \(g)")
      }
    }
  }

  @Test(arguments: 0..<300) func gradientsOfWeights(seed: Int) {
    let g = WildGeometry.geometry(seed)
    var random = SplitMix64(seed: 2)
    let count = ConvolutionTwin.counts(g)
    let (x, dy) = (random.floats(count.x), random.floats(count.y))
    var expected = [Double](repeating: 0, count: count.w)
    ConvolutionTwin.forEachProduct(g) { expected[$2] += Double(dy[$0]) * Double(x[$1]) }
    Self.forEachSetting(seed) { set, edge, pool in
      let input = GuardedMemory(copying: x, slack: Self.slack, edge: edge)
      let outer = GuardedMemory(copying: dy, slack: Self.slack, edge: edge)
      let gradient = WeightGradient(g, instructionSet: set)
      let output = GuardedMemory(of: Float.self, count: count.w, edge: edge)
      let scratch = GuardedMemory.scratch(gradient.scratchBytes, edge: edge)
      gradient.run(
        gradient: outer.pointer(), input: input.pointer(), output: output.pointer(),
        scratch: scratch.base, pool: pool)
      let w: [Float] = output.elements()
      #expect(
        normalizedMaxError(w.map(Double.init), expected) <= Tolerance.fastMath.bound, "\(set) \(g)")
      withExtendedLifetime((input, outer)) {}
      #expect(output.isIntact && scratch.isIntact, "\(set) \(edge) \(g)")
    }
  }

  @Test(arguments: 0..<300) func gradientsOfInputs(seed: Int) {
    let g = seed % 2 == 0 ? WildGeometry.geometry(seed) : WildGeometry.tamed(seed)
    guard InputGradient(g) != nil else { return }
    var random = SplitMix64(seed: 3)
    let count = ConvolutionTwin.counts(g)
    let (w, dy) = (random.floats(count.w), random.floats(count.y))
    var expected = [Double](repeating: 0, count: count.x)
    ConvolutionTwin.forEachProduct(g) { expected[$1] += Double(dy[$0]) * Double(w[$2]) }
    Self.forEachSetting(seed) { set, edge, pool in
      guard let gradient = InputGradient(g, instructionSet: set) else { return }
      let outer = GuardedMemory(copying: dy, slack: Self.slack, edge: edge)
      let weights = GuardedMemory(copying: w, edge: edge)
      let output = GuardedMemory(of: Float.self, count: count.x, edge: edge)
      let scratch = GuardedMemory.scratch(
        gradient.scratchBytes(threads: pool.threadCount), edge: edge)
      gradient.run(
        gradient: outer.pointer(), weights: weights.pointer(), output: output.pointer(),
        scratch: scratch.base, pool: pool)
      let x: [Float] = output.elements()
      #expect(
        normalizedMaxError(x.map(Double.init), expected) <= Tolerance.fastMath.bound, "\(set) \(g)")
      withExtendedLifetime((outer, weights)) {}
      #expect(output.isIntact && scratch.isIntact, "\(set) \(edge) \(g)")
    }
  }

  /// The seeds above must reach the gradients that are not left to the transposed convolution.
  @Test func mostGradientsOfInputsAreTheirOwn() {
    let own = (0..<150).count { InputGradient(WildGeometry.tamed(2 * $0 + 1)) != nil }
    #expect(own > 75)
  }
}
