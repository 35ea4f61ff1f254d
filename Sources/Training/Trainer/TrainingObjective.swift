import ObjectDetection
import Tensors

/// The loss that training minimises: reads a network's maps and adds their gradients.
public protocol TrainingObjective: AnyObject {
  /// The values of the network that the objective reads.
  var taps: [String] { get }
  /// The names of the parts of the loss.
  var partNames: [String] { get }

  /// The loss of a batch; adds its gradient to each map's.
  ///
  /// - Throws: what a network that the objective runs throws.
  func evaluate(
    _ maps: [RawMap], on batch: TrainingBatch, pool: ThreadPool
  ) throws -> LossValue
}

/// Images with the objects they show, as a network takes them.
public struct TrainingBatch: Sendable {
  /// `[N, 3, H, W]`, preprocessed.
  public var images: [Float]
  /// The objects of each image, in network pixels.
  public var targets: [[LabelledBox]]

  /// A batch of the given images.
  public init(images: [Float], targets: [[LabelledBox]]) {
    self.images = images
    self.targets = targets
  }
}

/// The source of batches.
///
/// A batch depends on epoch and index alone.
public protocol BatchSource: Sendable {
  /// The number of batches in an epoch, at least 1.
  var batchesPerEpoch: Int { get }

  /// A batch of an epoch.
  ///
  /// - Throws: what reading an image throws.
  func batch(epoch: Int, index: Int) throws -> TrainingBatch
}

/// A detection loss on the raw outputs of a head.
public final class DetectionObjective: TrainingObjective {
  /// The head's raw values.
  public let taps: [String]
  private let loss: any DetectionLoss

  /// The loss of the values named `taps`.
  public init(_ loss: any DetectionLoss, taps: [String]) {
    self.loss = loss
    self.taps = taps
  }

  /// The parts of the loss.
  public var partNames: [String] { loss.partNames }

  /// The loss against the batch's labels.
  public func evaluate(
    _ maps: [RawMap], on batch: TrainingBatch, pool: ThreadPool
  ) -> LossValue {
    loss.evaluate(maps, targets: batch.targets, pool: pool)
  }
}
