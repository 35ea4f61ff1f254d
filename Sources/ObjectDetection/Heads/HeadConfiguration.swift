import Foundation
import Yams

/// All that turns images into a network's input and its outputs into boxes: one block, printed and saved whole.
public struct HeadConfiguration: Codable, Hashable, Sendable {
  /// The name of the ``HeadFamily``.
  public var family: String
  /// The names of the classes, in the network's order.
  public var classes: [String]
  /// Input pixels a cell of each output map.
  public var strides: [Int]
  /// Widths and heights of the anchors of each map, in input pixels; empty for anchor-free heads.
  public var anchors: [[[Double]]]
  /// Bins of a distance distribution, less one; 0 for heads without.
  public var regMax: Int
  /// Whether outputs are boxes already, and only need to be read.
  public var isDecoded: Bool
  /// Lowest confidence a box needs.
  public var confidence: Double
  /// Overlap at which the weaker of two boxes of a class is dropped.
  public var iou: Double
  /// The most boxes an image.
  public var maxDetections: Int
  /// How images become inputs.
  public var preprocessing: Preprocessing

  /// A configuration of the given parts.
  public init(
    family: String, classes: [String], strides: [Int] = [], anchors: [[[Double]]] = [],
    regMax: Int = 0, isDecoded: Bool = true, confidence: Double = 0.001, iou: Double = 0.65,
    maxDetections: Int = 100, preprocessing: Preprocessing = Preprocessing()
  ) {
    self.family = family
    self.classes = classes
    self.strides = strides
    self.anchors = anchors
    self.regMax = regMax
    self.isDecoded = isDecoded
    self.confidence = confidence
    self.iou = iou
    self.maxDetections = maxDetections
    self.preprocessing = preprocessing
  }

  /// The configuration as YAML, to be edited and given back.
  ///
  /// - Throws: an encoding error.
  public func yaml() throws -> String { try YAMLEncoder().encode(self) }

  /// The confidence from which on a box is shown to people.
  public static let displayConfidence = 0.25
}

/// Settings that replace parts of a recognised configuration; what is absent stays.
public struct HeadSettings: Codable, Sendable {
  /// See ``HeadConfiguration``.
  public var family: String?
  /// Class names.
  public var classes: [String]?
  /// Input pixels a cell.
  public var strides: [Int]?
  /// Anchors by map.
  public var anchors: [[[Double]]]?
  /// Bins of a distance distribution, less one.
  public var regMax: Int?
  /// Whether outputs are boxes already.
  public var isDecoded: Bool?
  /// Lowest confidence.
  public var confidence: Double?
  /// Highest overlap.
  public var iou: Double?
  /// Most boxes an image.
  public var maxDetections: Int?
  /// How images become inputs.
  public var preprocessing: PreprocessingSettings?

  /// Parts of ``Preprocessing``.
  public struct PreprocessingSettings: Codable, Sendable {
    /// How the image is fitted.
    public var fit: Preprocessing.Fit?
    /// The value of filled pixels.
    public var pad: Int?
    /// The order of channels.
    public var order: Preprocessing.ChannelOrder?
    /// What is subtracted; one number or three.
    public var mean: [Float]?
    /// What is divided by; one number or three.
    public var std: [Float]?
  }

  /// Settings that change nothing.
  public init() {}

  /// Reads a YAML file.
  ///
  /// - Throws: ``HeadError/settings(file:reason:)`` naming what is wrong.
  public static func load(_ url: URL) throws -> HeadSettings {
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw HeadError.settings(file: url.path, reason: "cannot be read")
    }
    do {
      let settings = try YAMLDecoder().decode(HeadSettings.self, from: text)
      try settings.check(file: url.path)
      return settings
    } catch let error as HeadError {
      throw error
    } catch DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context) {
      let key = context.codingPath.map(\.stringValue).joined(separator: ".")
      throw HeadError.settings(
        file: url.path, reason: "key '\(key)': \(context.debugDescription)")
    } catch {
      throw HeadError.settings(file: url.path, reason: "\(error)")
    }
  }

  private func check(file: String) throws {
    for (key, values) in [("mean", preprocessing?.mean), ("std", preprocessing?.std)] {
      guard let values else { continue }
      guard [1, 3].contains(values.count), values.allSatisfy(\.isFinite),
        key == "mean" || values.allSatisfy({ $0 != 0 })
      else {
        throw HeadError.settings(
          file: file, reason: "preprocessing.\(key) takes one number or three, not \(values)")
      }
    }
    if let family, HeadFamily.named(family) == nil {
      throw HeadError.settings(file: file, reason: "\(HeadError.unknownFamily(family))")
    }
  }

  /// Replaces what the settings name.
  public func apply(to configuration: inout HeadConfiguration) {
    if let family { configuration.family = family }
    if let classes { configuration.classes = classes }
    if let strides { configuration.strides = strides }
    if let anchors { configuration.anchors = anchors }
    if let regMax { configuration.regMax = regMax }
    if let isDecoded { configuration.isDecoded = isDecoded }
    if let confidence { configuration.confidence = confidence }
    if let iou { configuration.iou = iou }
    if let maxDetections { configuration.maxDetections = maxDetections }
    guard let own = preprocessing else { return }
    let old = configuration.preprocessing
    configuration.preprocessing = Preprocessing(
      fit: own.fit ?? old.fit, pad: own.pad ?? old.pad, order: own.order ?? old.order,
      mean: own.mean ?? old.mean, std: own.std ?? old.std)
  }
}

/// Why a network's outputs cannot be read as boxes.
public enum HeadError: Error, Equatable, CustomStringConvertible {
  case unrecognized(outputs: [String])
  case unknownFamily(String)
  case settings(file: String, reason: String)
  case outputs(family: String, reason: String)
  case classes(model: Int, dataset: Int)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .unrecognized(let outputs):
      "the detection head is not recognised from the outputs \(outputs.joined(separator: ", ")); "
        + "name its family in a file for --head (family: one of "
        + "\(HeadFamily.all.map(\.name).joined(separator: ", ")))"
    case .unknownFamily(let name):
      "there is no head family '\(name)'; known are "
        + HeadFamily.all.map(\.name).joined(separator: ", ")
    case .settings(let file, let reason): "\(file): \(reason)"
    case .outputs(let family, let reason):
      "the outputs do not fit the head family \(family): \(reason)"
    case .classes(let model, let dataset):
      "the detector has \(model) classes, the data set \(dataset), and their names do not match; "
        + "give the detector's class names in a file for --head"
    }
  }
}
