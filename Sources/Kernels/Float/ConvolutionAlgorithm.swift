import CKernels
import Tensors

/// The way a convolution of given extents is computed, whatever its weights.
package enum ConvolutionAlgorithm: Sendable {
  case depthwise(DepthwiseConvolution, name: String)
  case pointwise(PointwiseConvolution, name: String)
  case framed(FramedConvolution, name: String)

  package init(
    _ geometry: ConvolutionGeometry, epilogue: Epilogue, instructionSet set: InstructionSet
  ) {
    geometry.requireSound()
    let suffix =
      "\(geometry.kernelHeight)x\(geometry.kernelWidth) \(String(cString: set.kernels.pointee.name))"
    if geometry.isDepthwise {
      self = .depthwise(
        DepthwiseConvolution(geometry, epilogue: epilogue, instructionSet: set),
        name: "depthwise \(suffix)")
    } else if geometry.isPointwise {
      self = .pointwise(
        PointwiseConvolution(geometry, epilogue: epilogue, instructionSet: set),
        name: "gemm \(suffix)")
    } else {
      self = .framed(
        FramedConvolution(geometry, epilogue: epilogue, instructionSet: set),
        name: "framed gemm \(suffix)")
    }
  }

  /// What a profile calls the algorithm.
  var name: String {
    switch self {
    case .depthwise(_, let name), .pointwise(_, let name), .framed(_, let name): name
    }
  }

  /// The elements of packed weights and their bias.
  package var packedCount: Int {
    switch self {
    case .depthwise(let convolution, _): convolution.packedCount
    case .pointwise(let convolution, _): convolution.weights.count
    case .framed(let convolution, _): convolution.weights.count
    }
  }

  /// Packs weights and a bias, zeros when `nil`, into ``packedCount`` elements.
  package func pack(
    _ weights: UnsafePointer<Float>, _ order: WeightOrder, bias: UnsafePointer<Float>?,
    into target: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    switch self {
    case .depthwise(let convolution, _): convolution.pack(weights, order, bias: bias, into: target)
    case .pointwise(let convolution, _):
      convolution.weights.pack(weights, order, bias: bias, into: target, pool: pool)
    case .framed(let convolution, _):
      convolution.weights.pack(weights, order, bias: bias, into: target, pool: pool)
    }
  }

  /// The working memory a run on that many threads needs.
  package func scratchBytes(threads: Int) -> Int {
    switch self {
    case .depthwise(let convolution, _): convolution.scratchBytes * threads
    case .pointwise: 0
    case .framed(let convolution, _): convolution.scratchBytes * threads
    }
  }

  /// Convolves, see ``PreparedConvolution/run(input:residual:output:scratch:pool:)``.
  package func run(
    input: UnsafePointer<Float>, packed: UnsafePointer<Float>, residual: UnsafePointer<Float>?,
    output: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer, pool: ThreadPool
  ) {
    switch self {
    case .depthwise(let convolution, _):
      convolution.run(
        input: input, packed: packed, residual: residual, output: output, scratch: scratch,
        pool: pool)
    case .pointwise(let convolution, _):
      convolution.run(
        input: input, packed: packed, residual: residual, output: output, pool: pool)
    case .framed(let convolution, _):
      convolution.run(
        input: input, packed: packed, residual: residual, output: output, scratch: scratch,
        pool: pool)
    }
  }
}
