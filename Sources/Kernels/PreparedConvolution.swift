import CKernels
import Tensors

/// A convolution with its algorithm chosen and its weights packed.
///
/// `y[n,o] = activation(bias[o] + Σᵢ x[n,i] ⋆ w[o,i] (+ residual[n,o]))`. Depthwise convolutions run plane by
/// plane, all others as a product of the packed weights with tiles of the input. The order of every sum is fixed
/// by the geometry, so the result is the same at any thread count.
public struct PreparedConvolution: Sendable {
  private enum Algorithm: Sendable {
    case depthwise(DepthwiseConvolution)
    case pointwise(PointwiseConvolution)
    case framed(FramedConvolution)
  }

  private let implementation: Algorithm
  /// What a profile calls the algorithm, for example `gemm 1x1 avx512`.
  public let algorithm: String

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
    let kernel = "\(geometry.kernelHeight)x\(geometry.kernelWidth)"
    let name = String(cString: instructionSet.kernels.pointee.name)
    if geometry.isDepthwise {
      implementation = .depthwise(
        DepthwiseConvolution(
          geometry, weights: weights, bias: bias, epilogue: epilogue,
          instructionSet: instructionSet))
      algorithm = "depthwise \(kernel) \(name)"
    } else if geometry.isPointwise {
      implementation = .pointwise(
        PointwiseConvolution(
          geometry, weights: weights, bias: bias, epilogue: epilogue,
          instructionSet: instructionSet))
      algorithm = "gemm \(kernel) \(name)"
    } else {
      implementation = .framed(
        FramedConvolution(
          geometry, weights: weights, bias: bias, epilogue: epilogue,
          instructionSet: instructionSet))
      algorithm = "framed gemm \(kernel) \(name)"
    }
  }

  /// The working memory a run on that many threads needs.
  public func scratchBytes(threads: Int) -> Int {
    switch implementation {
    case .depthwise(let convolution): convolution.scratchBytes * threads
    case .pointwise: 0
    case .framed(let convolution): convolution.scratchBytes * threads
    }
  }

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
    switch implementation {
    case .depthwise(let convolution):
      convolution.run(
        input: input, residual: residual, output: output, scratch: scratch, pool: pool)
    case .pointwise(let convolution):
      convolution.run(input: input, residual: residual, output: output, pool: pool)
    case .framed(let convolution):
      convolution.run(
        input: input, residual: residual, output: output, scratch: scratch, pool: pool)
    }
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
