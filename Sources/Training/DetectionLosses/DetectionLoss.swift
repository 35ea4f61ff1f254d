import ObjectDetection
import Tensors

/// How far a detector's raw outputs are from the objects in its images, with the gradient that brings them nearer.
public protocol DetectionLoss: Sendable {
  /// The names of the parts that the loss is the sum of, in the order of ``LossValue/parts``.
  var partNames: [String] { get }

  /// The loss of a batch; adds its gradient to each map's.
  ///
  /// The loss is the mean over the images of the batch where the paper does not say otherwise. The result is the same at
  /// any number of threads.
  ///
  /// - Parameters:
  ///   - maps: The head's raw outputs.
  ///   - targets: The objects of each image, in network pixels.
  func evaluate(_ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool) -> LossValue
}

/// One raw output of a head, and where its gradient goes.
public struct RawMap: @unchecked Sendable {
  /// `[N, C, H, W]`, or what else the network writes.
  public var shape: [Int]
  /// The values, row-major.
  public var values: UnsafePointer<Float>
  /// The gradient of the loss, laid out like the values; zero before the loss adds to it.
  public var gradient: UnsafeMutablePointer<Float>

  /// A map in the given memory.
  public init(
    shape: [Int], values: UnsafePointer<Float>, gradient: UnsafeMutablePointer<Float>
  ) {
    self.shape = shape
    self.values = values
    self.gradient = gradient
  }
}

/// The value of a loss, by its parts.
public struct LossValue: Sendable, Equatable {
  /// The parts with their weights, in the order of ``DetectionLoss/partNames``.
  public var parts: [Double]
  /// Their sum.
  public var total: Double { parts.reduce(0, +) }

  /// A loss of the given parts.
  public init(parts: [Double]) { self.parts = parts }
}
