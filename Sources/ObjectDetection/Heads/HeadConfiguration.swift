import Foundation
import Yams

/// Everything needed to turn images into a network's input, and its outputs into boxes.
public struct HeadConfiguration: Codable, Hashable, Sendable {
  /// The name of the ``HeadFamily``.
  public var family: String
  /// The names of the classes, in the network's order.
  public var classes: [String]
  /// Input pixels per cell, for each output map.
  public var strides: [Int]
  /// Widths and heights of the anchors of each map, in input pixels; empty for anchor-free heads.
  public var anchors: [[[Double]]]
  /// Bins of a distance distribution, minus one; 0 for heads without one.
  public var regMax: Int
  /// Whether outputs already are decoded boxes.
  public var isDecoded: Bool
  /// The factors of an SSD head's offsets, of the centre and of the size.
  public var variances: [Double]
  /// Lowest confidence a box needs.
  public var confidence: Double
  /// Overlap above which the less confident of two boxes of a class is dropped.
  public var iou: Double
  /// The most boxes for an image.
  public var maxDetections: Int
  /// How images become inputs.
  public var preprocessing: Preprocessing
  /// How outputs hold boxes, for heads of the family `described`.
  public var layout: HeadLayout?

  /// A configuration of the given parts.
  public init(
    family: String, classes: [String], strides: [Int] = [], anchors: [[[Double]]] = [],
    regMax: Int = 0, isDecoded: Bool = true, variances: [Double] = [0.1, 0.2],
    confidence: Double = 0.001, iou: Double = 0.65, maxDetections: Int = 100,
    preprocessing: Preprocessing = Preprocessing(), layout: HeadLayout? = nil
  ) {
    self.family = family
    self.classes = classes
    self.strides = strides
    self.anchors = anchors
    self.regMax = regMax
    self.isDecoded = isDecoded
    self.variances = variances
    self.confidence = confidence
    self.iou = iou
    self.maxDetections = maxDetections
    self.preprocessing = preprocessing
    self.layout = layout
  }

  /// Whether lists have the lengths that decoding relies on.
  var isWhole: Bool {
    !classes.isEmpty && preprocessing.mean.count == 3 && preprocessing.std.count == 3
      && variances.count == 2 && strides.allSatisfy { $0 > 0 } && regMax >= 0
      && anchors.allSatisfy { $0.allSatisfy { $0.count == 2 } } && maxDetections > 0
      && layout?.fault(strides: strides, classes: classes.count) == nil
  }

  /// The configuration as YAML, to be edited and given back.
  ///
  /// - Throws: an encoding error.
  public func yaml() throws -> String { try YAMLEncoder().encode(self) }

  /// The confidence from which on a box is shown to people.
  public static let displayConfidence = 0.25
  /// The overlap above which the less confident of two boxes is not shown to people.
  public static let displayIoU = 0.45
}
