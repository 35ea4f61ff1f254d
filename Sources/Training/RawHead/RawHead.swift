import GraphIR
import ObjectDetection

/// Where the raw maps of a detector's head are in its graph, and how their channels read.
public struct RawHead: Sendable {
  /// The values a loss reads.
  public var taps: [String]
  /// The scales.
  public var levels: [HeadLevel]
  /// The settings of the head.
  public var configuration: HeadConfiguration
}
