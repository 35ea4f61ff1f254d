import Execution
import ObjectDetection
import Tensors
import Training

/// A loss between one teacher and one student, with the state of its learned parts.
public protocol DistillationTerm: AnyObject {
  /// The loss of a batch times `weight`; adds its gradient, times `weight`, to those of the
  /// student's maps.
  ///
  /// - Throws: what a learned part throws.
  func evaluate(_ batch: DistillationBatch, weight: Float) throws -> Double

  /// The networks that are trained along with the student.
  var learned: [LearnedPart] { get }
}

extension DistillationTerm {
  /// None.
  public var learned: [LearnedPart] { [] }
}

/// What a loss knows when it is made.
public struct DistillationContext: Sendable {
  /// The loss's name.
  public var loss: String
  /// The feature points of both networks, the finest first.
  public var points: [FeaturePoint]
  /// The pair of heads; `nil` when they cannot be compared, for the reason in ``headReason``.
  public var heads: HeadPair?
  /// Why there is no pair of heads.
  public var headReason = "they are not recognised"
  /// The loss of the student's head against boxes; `nil` when it has none, for the reason in
  /// ``studentReason``.
  public var studentLoss: (any DetectionLoss)?
  /// Why the student's head has no loss.
  public var studentReason = "the student's head is not recognised"
  /// The settings by name.
  public var settings: [String: Double]
  /// Images per batch.
  public var images: Int
  /// Whether images come with boxes.
  public var hasLabels: Bool
  /// The learning rate of learned parts.
  public var learningRate: Double
  /// The seed of initial weights and masks.
  public var seed: UInt64
  /// The known operators and the threads to compute with.
  public var engine: Engine

  /// What a loss knows of a pair of networks.
  public init(
    loss: DistillationChoice, points: [FeaturePoint], heads: HeadPair?, images: Int,
    hasLabels: Bool = true, learningRate: Double = 1e-3, seed: UInt64 = 0,
    engine: Engine = Engine()
  ) {
    (self.loss, settings) = (loss.loss, loss.settings)
    (self.points, self.heads, self.images) = (points, heads, images)
    (self.hasLabels, self.learningRate) = (hasLabels, learningRate)
    (self.seed, self.engine) = (seed, engine)
  }

  /// The value of a setting that the loss declares.
  func setting(_ name: String) -> Double {
    guard let value = settings[name] else { preconditionFailure("no setting \(name)") }
    return value
  }

  /// The heads of both networks.
  func pairOfHeads() throws -> HeadPair {
    guard let heads else { throw DistillationError.heads(loss: loss, reason: headReason) }
    return heads
  }

  /// The feature points.
  func featurePoints(atLeast count: Int = 1) throws -> [FeaturePoint] {
    guard points.count >= count else {
      throw DistillationError.noPoints(loss: loss, needed: count, found: points.count)
    }
    return points
  }
}

/// What teacher and student computed on a batch.
public struct DistillationBatch {
  /// The maps at each feature point.
  public var pairs: [FeaturePair]
  /// The student's raw head.
  public var head: [RawMap]
  /// The teacher's raw head, in its own order.
  public var teacherHead: [UnsafePointer<Float>]
  /// The objects of each image, in network pixels.
  public var targets: [[LabelledBox]]
  /// The boxes that the teacher finds in each image, in the student's classes and pixels; none when
  /// no loss asks for them.
  public var findings: [[Detection]] = []
  /// How much of the training is done, 0 ..< 1.
  public var progress: Double
  /// Whether learned parts are trained on this batch.
  public var learns: Bool
  /// The threads to compute with.
  public var pool: ThreadPool

  /// A batch of the given parts.
  public init(
    pairs: [FeaturePair] = [], head: [RawMap] = [], teacherHead: [UnsafePointer<Float>] = [],
    targets: [[LabelledBox]] = [], progress: Double = 0, learns: Bool = true, pool: ThreadPool
  ) {
    (self.pairs, self.head, self.teacherHead) = (pairs, head, teacherHead)
    (self.targets, self.progress, self.learns, self.pool) = (targets, progress, learns, pool)
  }
}

/// The maps of both networks at one feature point.
///
/// Images, rows and columns are the same; channels may differ.
public struct FeaturePair {
  /// The student's map, `[N, C, H, W]`.
  ///
  /// Losses add to its gradient.
  public var student: RawMap
  /// The teacher's map, `[N, C′, H, W]`.
  public var teacher: UnsafePointer<Float>
  /// C′.
  public var teacherChannels: Int
  /// Input pixels per cell.
  public var stride: Int

  /// A pair of maps.
  public init(
    student: RawMap, teacher: UnsafePointer<Float>, teacherChannels: Int, stride: Int
  ) {
    (self.student, self.teacher) = (student, teacher)
    (self.teacherChannels, self.stride) = (teacherChannels, stride)
  }
}

extension RawMap {
  /// N.
  var images: Int { shape[0] }
  /// C.
  var channels: Int { shape[1] }
  /// H·W.
  var cells: Int { shape[2] * shape[3] }
  /// All elements.
  var count: Int { shape.reduce(1, *) }
}
