import CKernels
import Tensors

/// A convolution with its algorithm chosen and its weights packed.
///
/// `y[n,o] = activation(bias[o] + Σᵢ x[n,i] ⋆ w[o,i] (+ residual[n,o]))`. Depthwise convolutions
/// run plane by plane, all others as a product of the packed weights with tiles of the input. The
/// order of every sum is fixed by the geometry, so the result is the same at any thread count.
public struct PreparedConvolution: Sendable {
  private let implementation: ConvolutionAlgorithm
  private let packed: PackedFloats

  /// Packs weights for a convolution.
  ///
  /// - Parameters:
  ///   - weights: `[O, I / groups, kH, kW]`.
  ///   - bias: `[O]`, or `nil` for zero.
  public init(
    _ geometry: ConvolutionGeometry, weights: UnsafePointer<Float>,
    bias: UnsafePointer<Float>?, epilogue: Epilogue = Epilogue(),
    instructionSet: InstructionSet = .best
  ) {
    implementation = ConvolutionAlgorithm(
      geometry, epilogue: epilogue, instructionSet: instructionSet)
    packed = PackedFloats(count: implementation.packedCount)
    implementation.pack(
      weights, WeightOrder(geometry), bias: bias, into: packed.base, pool: ThreadPool(threads: 1))
  }

  /// What a profile calls the algorithm, for example `gemm 1x1 avx512`.
  public var algorithm: String { implementation.name }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int { implementation.scratchBytes(threads: threads) }

  /// Convolves.
  ///
  /// Reads up to 256 bytes beyond the end of `input`; what lies there does not matter.
  ///
  /// - Parameters:
  ///   - input: `[N, I, H, W]`.
  ///   - residual: `[N, O, H′, W′]`, or `nil` when the epilogue has none.
  ///   - output: `[N, O, H′, W′]`.
  ///   - scratch: ``scratchBytes(threads:)`` bytes, aligned to 64.
  public func run(
    input: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    implementation.run(
      input: input, packed: packed.base, residual: residual, output: output, scratch: scratch,
      pool: pool)
  }
}

/// A convolution with its algorithm chosen, whose weights come with each run, as they do while they
/// are trained.
public struct UnpackedConvolution: Sendable {
  private let implementation: ConvolutionAlgorithm
  private let order: WeightOrder

  /// A convolution by `[O, I / groups, kH, kW]` weights.
  public init(
    _ geometry: ConvolutionGeometry, epilogue: Epilogue = Epilogue(),
    instructionSet: InstructionSet = .best
  ) {
    self.init(
      geometry, order: WeightOrder(geometry), epilogue: epilogue, instructionSet: instructionSet)
  }

  init(
    _ geometry: ConvolutionGeometry, order: WeightOrder, epilogue: Epilogue = Epilogue(),
    instructionSet: InstructionSet
  ) {
    implementation = ConvolutionAlgorithm(
      geometry, epilogue: epilogue, instructionSet: instructionSet)
    self.order = order
  }

  /// What a profile calls the algorithm.
  public var algorithm: String { implementation.name }

  private var packedBytes: Int { (implementation.packedCount * 4 + 63) / 64 * 64 }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int {
    packedBytes + implementation.scratchBytes(threads: threads)
  }

  /// Packs the weights and convolves; see
  /// ``PreparedConvolution/run(input:residual:output:scratch:pool:)``.
  public func run(
    input: UnsafePointer<Float>, weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    residual: UnsafePointer<Float>?, output: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    pack(weights, bias: bias, scratch: scratch, pool: pool)
    runPacked(input: input, residual: residual, output: output, scratch: scratch, pool: pool)
  }

  /// Packs the weights into the working memory of the runs to follow.
  func pack(
    _ weights: UnsafePointer<Float>, bias: UnsafePointer<Float>?,
    scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    implementation.pack(
      weights, order, bias: bias, into: scratch.assumingMemoryBound(to: Float.self), pool: pool)
  }

  /// Convolves by the weights packed last.
  func runPacked(
    input: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    implementation.run(
      input: input, packed: scratch.assumingMemoryBound(to: Float.self), residual: residual,
      output: output, scratch: scratch + packedBytes, pool: pool)
  }
}

/// Packed constants that live as long as a kernel.
final class PackedFloats: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
  let count: Int

  init(count: Int) {
    self.count = count
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: max(count, 1) * 4 + 256, alignment: 64)
    base = memory.bindMemory(to: Float.self, capacity: max(count, 1) + 64)
    base.initialize(repeating: 0, count: max(count, 1) + 64)
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }
}
