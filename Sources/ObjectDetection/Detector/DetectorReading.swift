import Execution
import GraphIR

/// How a detector is read: the image that it takes, and how its outputs become boxes.
public struct DetectorReading: Sendable {
  /// The image input.
  public let input: ImageInput
  /// The outputs and their shapes for one image, in the network's order.
  public let outputs: [(name: String, shape: [Int])]
  /// The settings in force.
  public let configuration: HeadConfiguration
  /// How images are prepared, and how that is known.
  public let preparation: PreprocessingReading
  /// Why this head was recognised.
  public let reasons: [String]
  let family: HeadFamily

  /// Reads a network.
  ///
  /// The shapes of the outputs are inferred from types. The network is run once only where they
  /// depend on values.
  ///
  /// - Throws: ``HeadError`` when no family fits or several do, ``InputError`` when the network
  ///   takes no image, what sessions throw.
  public init(
    _ graph: Graph, settings: HeadSettings = HeadSettings(), engine: Engine
  ) throws {
    let input = try graph.onlyImageInput(engine.inputShapes)
    let operands = try engine.typed(graph).operands
    let inferred = graph.outputs.compactMap { output in
      operands[output.name].map { (name: output.name, shape: $0.type.shape) }
    }
    try self.init(
      graph, input: input,
      outputs: inferred.count == graph.outputs.count
        ? inferred : try Self.run(graph, engine: engine.on(threads: 1)),
      settings: settings, engine: engine)
  }

  /// Reads a network whose outputs' shapes are known.
  ///
  /// - Parameter engine: What runs the first layer, to see which pixels the network takes; `nil`
  ///   for no look at it.
  /// - Throws: ``HeadError``, what sessions throw.
  public init(
    _ graph: Graph, input: ImageInput, outputs: [(name: String, shape: [Int])],
    settings: HeadSettings = HeadSettings(), engine: Engine? = nil
  ) throws {
    let evidence = HeadEvidence(
      outputs: outputs, height: input.height, width: input.width, graph: graph)
    let carried = HeadRecognition.carried(by: graph)
    let recognition =
      if let carried, settings.family == nil || settings.family == carried.configuration.family {
        carried
      } else if let layout = settings.layout {
        HeadRecognition(of: layout, evidence)
      } else {
        try HeadRecognition.of(evidence, family: settings.family)
      }
    var configuration = recognition.configuration
    if input.takesBytes, !recognition.isCarried { configuration.preprocessing.takeBytes() }
    preparation = try PreprocessingReading(
      graph, input: input, usual: configuration.preprocessing, family: configuration.family,
      carried: recognition.isCarried ? configuration.preprocessing : nil,
      given: settings.preprocessing, engine: engine)
    settings.apply(to: &configuration)
    configuration.preprocessing = preparation.preprocessing
    try configuration.readPriors(in: graph)
    guard let family = HeadFamily.named(configuration.family) else {
      throw HeadError.unknownFamily(configuration.family)
    }
    (self.input, self.outputs) = (input, outputs)
    (self.configuration, self.family, reasons) = (configuration, family, recognition.reasons)
  }

  private static func run(
    _ graph: Graph, engine: Engine
  ) throws -> [(name: String, shape: [Int])] {
    let runtime = try SessionRuntime(graph, engine: engine)
    let outputs = try runtime.run()
    return runtime.outputNames.map { ($0, outputs[$0]?.shape ?? []) }
  }
}
