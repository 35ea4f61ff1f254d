import ObjectDetection
import Tensors

/// A loss between a detector's raw outputs and the labelled objects, with its gradient.
public protocol DetectionLoss: Sendable {
  /// The names of the summands of the loss, in the order of ``LossValue/parts``.
  var partNames: [String] { get }

  /// The loss of a batch; adds its gradient to each map's.
  ///
  /// The loss is the mean over the images of the batch, unless the paper says otherwise. The result
  /// is the same at any number of threads.
  ///
  /// - Parameters:
  ///   - maps: The head's raw outputs.
  ///   - targets: The objects of each image, in network pixels.
  func evaluate(_ maps: [RawMap], targets: [[LabelledBox]], pool: ThreadPool) -> LossValue
}

/// One raw output of a head, with the memory for its gradient.
public struct RawMap: @unchecked Sendable {
  /// `[N, C, H, W]`, or another shape of the network's outputs.
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
