import Execution
import GraphIR
import Tensors

/// A network that runs on one image: what the rest of the tool plugs in.
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
  /// How images are prepared, and how that is known.
  public let preparation: PreprocessingReading
  /// Why the head was taken for what it is.
  public let reasons: [String]
  /// What the network answered that is no number.
  public let answers: AnswerCheck
  private let runtime: any DetectorRuntime
  private let family: HeadFamily

  /// The metadata key under which a model carries its ``HeadConfiguration``.
  public static let metadataKey = "compress.head"

  /// A detector on a network that runs.
  ///
  /// The configuration is the one in the model's metadata, else that of the recognised family, with
  /// `settings` on top. An input of bytes takes pixels as they are, not as the family would have
  /// them.
  ///
  /// - Throws: ``HeadError`` when no family fits, or several do.
  public init(
    _ runtime: any DetectorRuntime, graph: Graph, settings: HeadSettings = HeadSettings()
  ) throws {
    let outputs = try runtime.run()
    self.init(
      try DetectorReading(
        graph, input: runtime.imageInput,
        outputs: runtime.outputNames.map { ($0, outputs[$0]?.shape ?? []) }, settings: settings),
      on: runtime)
  }

  /// A detector of a network that the engine runs.
  ///
  /// - Throws: ``HeadError``, ``InputError``, what sessions throw.
  public init(
    _ graph: Graph, settings: HeadSettings = HeadSettings(), engine: Engine
  ) throws {
    self.init(
      try DetectorReading(graph, settings: settings, engine: engine),
      on: try SessionRuntime(graph, engine: engine))
  }

  /// A detector that is read as was found.
  public init(_ reading: DetectorReading, on runtime: any DetectorRuntime) {
    answers = AnswerCheck()
    self.runtime = runtime
    family = reading.family
    (configuration, preparation) = (reading.configuration, reading.preparation)
    reasons = reading.reasons
  }

  /// Equal detectors of a network, as many as share `images` images out among the engine's threads.
  ///
  /// - Throws: ``HeadError``, ``InputError``, what sessions throw.
  public static func workers(
    of graph: Graph, settings: HeadSettings = HeadSettings(), images: Int, engine: Engine
  ) throws -> [Detector] {
    let count = max(1, min(engine.threads, images))
    let own = engine.on(threads: max(1, engine.threads / count))
    let first = try Detector(graph, settings: settings, engine: own)
    return try [first]
      + (1..<count).map { _ in Detector(first, on: try SessionRuntime(graph, engine: own)) }
  }

  /// The same detector on another runtime of the same network, for use on another thread.
  public init(_ detector: Detector, on runtime: any DetectorRuntime) {
    self.runtime = runtime
    family = detector.family
    answers = detector.answers
    (configuration, preparation) = (detector.configuration, detector.preparation)
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
