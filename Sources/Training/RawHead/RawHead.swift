import GraphIR
import ObjectDetection

/// Where the raw maps of a detector's head are in its graph, and how their channels read.
public struct RawHead: Sendable {
  /// The values a loss reads.
  public var taps: [String]
  /// The scales, the finest first.
  public var levels: [HeadLevel]
  /// The settings of the head.
  public var configuration: HeadConfiguration

  /// The head of a detector.
  ///
  /// - Parameters:
  ///   - outputs: The outputs with their concrete shapes, in the network's order.
  ///   - height: Rows of the input.
  ///   - width: Columns of the input.
  /// - Throws: ``RawHeadError`` when the maps are not found.
  public static func find(
    in graph: Graph, configuration: HeadConfiguration, outputs: [(name: String, shape: [Int])],
    height: Int, width: Int
  ) throws -> RawHead {
    guard !configuration.isDecoded else {
      throw RawHeadError.decoded(family: configuration.family)
    }
    switch configuration.family {
    case "yolov8": return try yolov8(configuration, outputs, height: height, width: width)
    default: throw RawHeadError.noLoss(family: configuration.family)
    }
  }

  private static func yolov8(
    _ configuration: HeadConfiguration, _ outputs: [(name: String, shape: [Int])], height: Int,
    width: Int
  ) throws -> RawHead {
    let channels = 4 * (configuration.regMax + 1) + configuration.classes.count
    guard outputs.count == configuration.strides.count,
      outputs.allSatisfy({ $0.shape.count == 4 && $0.shape[1] == channels })
    else {
      throw RawHeadError.shapes(
        family: configuration.family,
        expected: "\(channels) channels at strides \(configuration.strides)",
        found: outputs.map { "'\($0.name)' \($0.shape)" })
    }
    let levels = outputs.enumerated().map { index, output in
      HeadLevel(
        stride: configuration.strides[index], rows: output.shape[2], columns: output.shape[3],
        box: .init(map: index),
        classes: .init(map: index, first: 4 * (configuration.regMax + 1)))
    }
    return RawHead(
      taps: outputs.map(\.name), levels: levels, configuration: configuration)
  }

  /// The loss of the head's family.
  public func loss() -> any DetectionLoss {
    YOLOv8Loss(
      levels: levels, classes: configuration.classes.count, regMax: configuration.regMax)
  }
}

/// Why a detector's head cannot be trained with labels.
public enum RawHeadError: Error, Equatable, CustomStringConvertible {
  case decoded(family: String)
  case noLoss(family: String)
  case shapes(family: String, expected: String, found: [String])

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .decoded(let family):
      "the outputs of this \(family) model are decoded boxes, which no loss can read; fine-tune it without labels: --loss match"
    case .noLoss(let family):
      "there is no loss for heads of the family \(family) yet; fine-tune without labels: --loss match"
    case .shapes(let family, let expected, let found):
      "a raw \(family) head has \(expected), found \(found.joined(separator: ", ")); "
        + "fine-tune without labels: --loss match"
    }
  }
}
