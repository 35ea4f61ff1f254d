import GraphIR
import Tensors

/// A network that runs on one image, provided by the caller.
public protocol DetectorRuntime {
  /// The image input.
  var imageInput: ImageInput { get }
  /// The outputs' names, in the network's order.
  var outputNames: [String] { get }
  /// The memory of the image input.
  var input: UnsafeMutableRawPointer { get }
  /// Runs the network on what lies in ``input``.
  func run() throws -> [String: Tensor]
}

/// A network with the head that reads its outputs: images in, boxes out.
public struct Detector {
  /// The settings in force.
  public let configuration: HeadConfiguration
  /// Why this head was recognised.
  public let reasons: [String]
  /// The check of the network's outputs for NaN.
  public let answers: AnswerCheck
  private let runtime: any DetectorRuntime
  private let family: HeadFamily

  /// The metadata key under which a model carries its ``HeadConfiguration``.
  public static let metadataKey = "compress.head"

  /// A detector of the given network.
  ///
  /// The configuration is the one in the model's metadata, else that of the recognised family.
  /// `settings` replace parts of it. An input of bytes takes pixels as they are, without the
  /// family's mean and deviation.
  ///
  /// - Throws: ``HeadError`` when no family fits, or several do.
  public init(
    _ runtime: any DetectorRuntime, graph: Graph, settings: HeadSettings = HeadSettings()
  ) throws {
    let outputs = try runtime.run()
    let evidence = HeadEvidence(
      outputs: runtime.outputNames.map { ($0, outputs[$0]?.shape ?? []) },
      height: runtime.imageInput.height, width: runtime.imageInput.width, graph: graph)
    let carried = HeadRecognition.carried(by: graph)
    let recognition =
      if let carried, settings.family == nil || settings.family == carried.configuration.family {
        carried
      } else {
        try HeadRecognition.of(evidence, family: settings.family)
      }
    var configuration = recognition.configuration
    if runtime.imageInput.takesBytes, carried == nil {
      configuration.preprocessing.takeBytes()
    }
    settings.apply(to: &configuration)
    guard let family = HeadFamily.named(configuration.family) else {
      throw HeadError.unknownFamily(configuration.family)
    }
    answers = AnswerCheck()
    self.runtime = runtime
    self.family = family
    self.configuration = configuration
    reasons = recognition.reasons
  }

  /// The same detector on another runtime of the same network, for use on another thread.
  public init(_ detector: Detector, on runtime: any DetectorRuntime) {
    self.runtime = runtime
    family = detector.family
    answers = detector.answers
    configuration = detector.configuration
    reasons = detector.reasons
  }

  /// The boxes in an image, in image pixels, the most confident first.
  ///
  /// - Throws: ``HeadError``, and what the network throws.
  public func detect(_ image: PixelBuffer) throws -> [Detection] {
    let input = runtime.imageInput
    let placement = configuration.preprocessing.apply(image, as: input, to: runtime.input)
    let tensors = try runtime.run()
    answers.note(tensors)
    let outputs = HeadOutputs(
      tensors: tensors, order: runtime.outputNames, height: input.height, width: input.width)
    let candidates = try family.decode(outputs, configuration).filter { detection in
      let b = detection.box
      return b.left.isFinite && b.top.isFinite && b.right.isFinite && b.bottom.isFinite
    }.map { detection in
      var detection = detection
      detection.box = placement.imageBox(detection.box)
      return detection
    }
    return NonMaximumSuppression(
      iouThreshold: configuration.iou, maxDetections: configuration.maxDetections)(candidates)
  }
}
