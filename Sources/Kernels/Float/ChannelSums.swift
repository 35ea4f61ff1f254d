import CKernels
import Tensors

/// Sums over the elements of a channel of a value `[N, C, plane]`: a plane in float32, planes in
/// float64.
///
/// The order of every sum is fixed by the extents, so the result is the same at any thread count.
public struct ChannelSums: @unchecked Sendable {
  /// Images.
  public let batch: Int
  /// Channels.
  public let channels: Int
  /// Elements of a channel of an image.
  public let plane: Int
  /// Elements of a channel.
  public var count: Int { batch * plane }
  private let kernels: UnsafePointer<ck_kernels>
  private let gradients: UnsafePointer<ck_gradient_kernels>

  /// Sums over a value of the given shape, of rank 2 or more.
  public init(_ shape: [Int], instructionSet: InstructionSet = .best) {
    (batch, channels) = (shape[0], shape[1])
    plane = shape[2...].reduce(1, *)
    kernels = instructionSet.kernels
    gradients = instructionSet.gradientKernels
  }

  private func total(_ channel: Int, _ term: (Int) -> Float) -> Double {
    (0..<batch).reduce(0.0) { $0 + Double(term(($1 * channels + channel) * plane)) }
  }

  /// `Σ x`.
  public func sum(_ channel: Int, of x: UnsafePointer<Float>) -> Double {
    total(channel) { gradients.pointee.sum(x + $0, plane) }
  }

  /// `Σ (x − shift)²`.
  public func squares(_ channel: Int, of x: UnsafePointer<Float>, shift: Float) -> Double {
    total(channel) { gradients.pointee.squares(x + $0, plane, shift) }
  }

  /// `Σ a·(b − shift)`.
  public func product(
    _ channel: Int, of a: UnsafePointer<Float>, with b: UnsafePointer<Float>, shift: Float
  ) -> Double {
    total(channel) { gradients.pointee.product(a + $0, b + $0, plane, shift) }
  }

  /// `y = x·scale + offset`; y may be x.
  public func scale(
    _ channel: Int, of x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, by scale: Float,
    offset: Float
  ) {
    let identity = Activation.identity.parameters
    for image in 0..<batch {
      let at = (image * channels + channel) * plane
      kernels.pointee.scaleShift(identity, x + at, y + at, plane, scale, offset)
    }
  }

  /// `y = a·ofA + b·ofB + offset`; y may be a or b.
  public func blend(
    _ channel: Int, of a: UnsafePointer<Float>, with b: UnsafePointer<Float>,
    to y: UnsafeMutablePointer<Float>, ofA: Float, ofB: Float, offset: Float
  ) {
    for image in 0..<batch {
      let at = (image * channels + channel) * plane
      gradients.pointee.blend(a + at, b + at, y + at, plane, ofA, ofB, offset)
    }
  }
}
