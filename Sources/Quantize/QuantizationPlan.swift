import Foundation
import Tensors

/// What of a network is quantised, and how: a value that can be printed, saved and replayed.
public struct QuantizationPlan: Codable, Sendable, Equatable {
  /// One quantised value of the network.
  public struct Activation: Codable, Sendable, Equatable {
    /// The value's name.
    public var name: String
    /// The least number that is not clipped.
    public var lowest: Float
    /// The largest number that is not clipped.
    public var highest: Float

    /// A value with its range.
    public init(name: String, range: ClosedRange<Float>) {
      (self.name, lowest, highest) = (name, range.lowerBound, range.upperBound)
    }

    /// From the least to the largest number.
    public var range: ClosedRange<Float> { lowest...max(lowest, highest) }
  }

  /// A node that stays float, with the reason.
  public struct Kept: Codable, Sendable, Equatable {
    /// The node's name, or its first output.
    public var node: String
    /// Its operator.
    public var opType: String
    /// Why.
    public var reason: String
  }

  /// How ranges were shared out between layers before they were observed.
  public struct Equalization: Codable, Sendable, Equatable {
    /// What that went by.
    public var ranges: EqualizationKind
    /// The channels' largest activations, by value; empty for weights.
    public var magnitudes: [String: [Float]]

    /// An equalisation by what was measured.
    public init(ranges: EqualizationKind, magnitudes: [String: [Float]]) {
      (self.ranges, self.magnitudes) = (ranges, magnitudes)
    }
  }

  /// The version of this form.
  public var schemaVersion = 1
  /// How floats become integers.
  public var scheme: QuantizationScheme
  /// What chose the ranges.
  public var observer: String
  /// The quantised nodes, by first output.
  public var nodes: [String]
  /// Nodes after the last layers, and last layers with their outputs, that were asked to be
  /// quantised, by first output.
  public var included: [String] = []
  /// The values whose ranges were observed.
  public var activations: [Activation]
  /// What stays float.
  public var kept: [Kept]
  /// How ranges were shared out between layers; `nil` where they were not.
  public var equalization: Equalization?
  /// What is added to biases, by the layer's first output; `nil` where nothing is.
  public var biasShifts: [String: [Float]]?
  /// What moves from the biases of layers into those of their readers, by the layer's first output;
  /// `nil` where nothing does.
  public var absorbed: [String: [Float]]?
  /// Which weights are rounded up, by the layer's first output, a bit a weight; `nil` where all go
  /// to the nearest.
  public var roundings: [String: Data]?
  /// Whether ReLU6 became ReLU.
  public var replacesReLU6: Bool?

  /// A plan of the given parts.
  public init(
    scheme: QuantizationScheme, observer: String, nodes: [String], activations: [Activation],
    kept: [Kept]
  ) {
    self.scheme = scheme
    self.observer = observer
    self.nodes = nodes
    self.activations = activations
    self.kept = kept
  }

  /// How many kept nodes there are for each reason.
  public var reasons: [String: Int] {
    Dictionary(kept.map { ($0.reason, 1) }, uniquingKeysWith: +)
  }
}

/// Why a network cannot be quantised.
public enum QuantizationError: Error, Equatable, CustomStringConvertible {
  /// It is quantised already.
  case alreadyQuantized(node: String)
  /// No layer is left to quantise.
  case nothingToQuantize(reasons: [String: Int])
  /// A pattern fits no node.
  case noSuchNode(pattern: String)
  /// A plan made for another network.
  case otherModel(reason: String)
  /// The operator set is too old and a node cannot be rewritten for a newer one.
  case opset(node: String, reason: String)

  /// A quantised network has a part that cannot be trained.
  case untrainable(node: String, reason: String)
  /// Weights drawn again would have other scales than the file's.
  case drawnAnew(file: String)
  /// There are no images to find ranges with.
  case needsImages
  /// mAP is to be measured without labelled images.
  case needsLabels

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .untrainable(let node, let reason):
      "\(node) cannot be trained as it is quantised: \(reason)"
    case .alreadyQuantized(let node):
      "the model is quantised already (\(node)); quantise the float model it was made from"
    case .nothingToQuantize(let reasons):
      "no layer can be quantised"
        + (reasons.isEmpty
          ? "" : ": " + reasons.keys.sorted().joined(separator: "; "))
    case .drawnAnew(let file): "new weights would be drawn for the scales of \(file)"
    case .needsImages:
      "ranges of activations are found by looking at images, and there are none"
    case .needsLabels:
      "the bits are chosen by mAP, and there are no labelled images to measure it on"
    case .noSuchNode(let pattern): "no node fits '\(pattern)'"
    case .otherModel(let reason): "the plan was made for another model: \(reason)"
    case .opset(let node, let reason):
      "\(node) cannot be rewritten for operator set 13, which scales by channel need: \(reason); "
        + "export the model with operator set 13 or later"
    }
  }
}
