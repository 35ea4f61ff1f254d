import Foundation
import GraphIR
import Tensors

/// A way in which detectors write boxes into their outputs.
public struct HeadFamily: Sendable {
  /// The name users give in `family:`.
  public var name: String
  /// One line for help texts.
  public var summary: String
  /// What training needs to know; `nil` for families without a loss.
  public var training: HeadTraining?
  /// The configuration and the reasons for it, or `nil` when the outputs are not of this family.
  var recognize: @Sendable (HeadEvidence) -> HeadRecognition?
  /// The candidate boxes of one image, in network pixels, above the confidence threshold.
  public var decode: @Sendable (HeadOutputs, HeadConfiguration) throws -> [Detection]

  /// A family, with the reading and the decoding of its outputs.
  ///
  /// The first closure gives the configuration and its reasons, or `nil` for outputs of other
  /// families. The second gives the candidate boxes of one image, in network pixels.
  public init(
    name: String, summary: String, training: HeadTraining? = nil,
    recognize: @escaping @Sendable (HeadEvidence) -> HeadRecognition?,
    decode: @escaping @Sendable (HeadOutputs, HeadConfiguration) throws -> [Detection]
  ) {
    (self.name, self.summary, self.training) = (name, summary, training)
    (self.recognize, self.decode) = (recognize, decode)
  }

  /// Every family, in the order of help and error texts: those of the library, then added ones.
  public static var all: [HeadFamily] { builtIn + additions.all }

  /// Adds a family, which is then found by its name.
  public static func add(_ family: HeadFamily) { additions.add(family) }

  private static let additions = Additions<HeadFamily>()
  private static let builtIn: [HeadFamily] = [
    .yolov5, .yolov8, .yolox, .nanoDet, .ssd, .fastestDet, .yoloFastestV2, .endToEnd, .described,
  ]

  /// The family of that name.
  public static func named(_ name: String) -> HeadFamily? { all.first { $0.name == name } }
}

/// The outputs of one run, for one image of the batch.
public struct HeadOutputs {
  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// The names in the network's order.
  public var order: [String]
  /// The index of the image in the batch.
  public var image: Int
  /// Rows of the input.
  public var height: Int
  /// Columns of the input.
  public var width: Int

  /// The outputs of a run at a given input size.
  public init(
    tensors: [String: Tensor], order: [String], image: Int = 0, height: Int, width: Int
  ) {
    self.tensors = tensors
    self.order = order
    self.image = image
    self.height = height
    self.width = width
  }

  /// One output as float32 values of one image; `shape` is without the batch.
  struct Plane {
    var shape: [Int]
    var values: [Float]
  }

  /// The outputs in order, each cut to this image.
  func planes(_ family: String) throws -> [Plane] {
    try order.map { name in
      guard let tensor = tensors[name], tensor.elementType.isFloatingPoint else {
        throw HeadError.outputs(family: family, reason: "'\(name)' is missing or not of floats")
      }
      let shape = tensor.shape
      guard shape.count >= 3 else { return Plane(shape: shape, values: tensor.floats) }
      guard image < shape[0] else {
        throw HeadError.outputs(
          family: family, reason: "'\(name)' of shape \(shape) has no image \(image)")
      }
      let size = shape.dropFirst().product
      let values = tensor.floats
      return Plane(
        shape: Array(shape.dropFirst()),
        values: shape[0] == 1 ? values : Array(values[image * size..<(image + 1) * size]))
    }
  }

  /// Column and row of each cell of the maps of the given strides, one map after the other.
  func grid(_ strides: [Int]) -> [(column: Double, row: Double, stride: Double)] {
    strides.flatMap { stride in
      let columns = (width + stride - 1) / stride
      return (0..<((height + stride - 1) / stride) * columns).map {
        (Double($0 % columns), Double($0 / columns), Double(stride))
      }
    }
  }
}

extension Box {
  /// A box around a centre.
  init(centreX x: Double, y: Double, width: Double, height: Double) {
    self.init(
      left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2)
  }
}

/// The logistic function, `1 / (1 + e⁻ˣ)`.
func logistic(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
