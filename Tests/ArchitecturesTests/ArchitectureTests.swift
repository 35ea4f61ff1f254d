import Architectures
import Execution
import Formats
import GraphIR
import ObjectDetection
import Operators
import Tensors
import Testing
import Training

@Suite struct ArchitectureTests {
  static let names = Architecture.all.map(\.name)

  private func network(
    _ name: String, classes: Int = 3, width: Double = 0.25, size: Int = 64, seed: UInt64 = 0
  ) throws -> Graph {
    let architecture = try #require(Architecture.named(name))
    return try architecture.build(
      ArchitectureOptions(
        classes: (0..<classes).map { "class\($0)" }, width: width, imageSize: size, seed: seed))
  }

  /// Published parameters for 80 classes, before folding; YOLOv8n's without the fixed projection of
  /// 16 weights.
  @Test(arguments: [("yolov5n", 1_872_157), ("yolov8n", 3_157_184)])
  func parametersAreThePublishedOnes(name: String, count: Int) throws {
    let graph = try network(name, classes: 80, width: 1, size: 640)
    let parameters = TrainableParameter.all(in: graph, registry: .standard).reduce(0) {
      $0 + (graph.initializers[$1.name]?.tensor.count ?? 0)
    }
    #expect(parameters == count)
  }

  /// Published: 4.5 and 8.7 thousand million FLOPs at 640 × 640.
  @Test(arguments: [("yolov5n", 1_872_157, 2.25), ("yolov8n", 3_157_184, 4.35)])
  func costsAreThePublishedOnes(name: String, count: Int, macs: Double) throws {
    let cost = try ModelCost(
      network(name, classes: 80, width: 1, size: 640), registry: .standard,
      inputShapes: ["images": [1, 3, 640, 640]])
    #expect(cost.parameters == count)
    #expect(abs(Double(cost.macs) / 1e9 - macs) <= 0.03, "\(cost.macs)")
  }

  @Test(arguments: [0, -1, 17, Double.nan, .infinity])
  func widthsAndDepthsOutOfRangeAreRefused(factor: Double) throws {
    let architecture = try #require(Architecture.named("yolov5n"))
    for options in [
      ArchitectureOptions(classes: ["a"], width: factor, imageSize: 64),
      ArchitectureOptions(classes: ["a"], depth: factor, imageSize: 64),
    ] {
      #expect(throws: ArchitectureError.self) { _ = try architecture.build(options) }
    }
  }

  /// Initial weights neither drown nor blow up what passes through them.
  @Test(arguments: names) func featuresKeepTheirSpreadAtFirst(name: String) throws {
    let graph = try network(name, width: 0.5, size: 128)
    let features = graph.nodes.filter { $0.opType == "BatchNormalization" }.map { $0.outputs[0] }
    let step = try TrainingStep(
      graph, taps: features,
      parameters: TrainableParameter.all(in: graph, registry: .standard).map(\.name),
      options: .init(batchSize: 2, imageSize: (128, 128), engine: Engine()))
    var random = CounterRandom(seed: 1)
    for index in step.images.indices { step.images[index] = .random(in: 0..<1, using: &random) }
    try step.forward()
    for (feature, map) in zip(features, step.maps) {
      let values = (0..<map.shape.reduce(1, *)).map { Double(map.values[$0]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      #expect((0.05...20).contains(variance.squareRoot()), "\(feature): \(variance.squareRoot())")
    }
  }

  @Test(arguments: names) func theGraphIsSoundAndKeptByFiles(name: String) throws {
    let graph = try network(name)
    try graph.verify()
    let read = try ONNXFormat.parse(try ONNXFormat.serialize(graph), file: name)
    #expect(read.firstDifference(from: graph) == nil)
  }

  @Test(arguments: names) func theSeedDecidesTheWeights(name: String) throws {
    #expect(try network(name, seed: 1) == network(name, seed: 1))
    #expect(try network(name, seed: 1) != network(name, seed: 2))
  }

  @Test(arguments: names, [0.25, 0.5, 1]) func widthsAndSizesRun(name: String, width: Double) throws
  {
    for size in [96, 160] {
      let graph = try network(name, width: width, size: size)
      let session = try Session(
        graph, registry: .standard, options: SessionOptions(passes: StandardRewrites.inference))
      try session.run()
      for (output, stride) in zip(session.outputNames, [8, 16, 32]) {
        let tensor = try #require(session.output(output))
        if tensor.shape.count == 4 {
          #expect(Array(tensor.shape[2...]) == [size / stride, size / stride])
        }
        let isFinite = tensor.floats.allSatisfy { $0.isFinite }
        #expect(isFinite)
      }
    }
  }

  @Test(arguments: names) func gradientsReachEveryWeight(name: String) throws {
    let graph = try network(name, size: 96)
    let step = try TrainingStep(
      graph, taps: graph.outputs.map(\.name),
      parameters: TrainableParameter.all(in: graph, registry: .standard).map(\.name),
      options: .init(batchSize: 2, imageSize: (96, 96), engine: Engine()))
    var random = CounterRandom(seed: 4)
    for index in step.images.indices { step.images[index] = .random(in: 0..<1, using: &random) }
    try step.forward()
    for map in step.maps {
      let count = map.shape.reduce(1, *)
      let values = (0..<count).map { map.values[$0] }
      #expect(values.allSatisfy { $0.isFinite })
      let spread = (values.min() ?? 0, values.max() ?? 0)
      #expect(spread.1 - spread.0 > 0.05 && spread.1 - spread.0 < 100, "\(spread)")
      for index in 0..<count { map.gradient[index] = .random(in: -1...1, using: &random) }
    }
    try step.backward()
    for (index, parameter) in step.parameters.enumerated() {
      let gradient = try #require(step.gradient(of: index))
      #expect(gradient.allSatisfy { $0.isFinite } && gradient.contains { $0 != 0 }, "\(parameter)")
    }
  }

  @Test(arguments: names) func theHeadHasALossOfItsOwn(name: String) throws {
    let graph = try network(name, size: 96)
    let text = try #require(graph.properties.metadata[Detector.metadataKey])
    #expect(text.contains("\"isDecoded\":false"))
    let detector = try Detector(StillRuntime(graph), graph: graph)
    let head = try RawHead.find(
      in: graph, configuration: detector.configuration, height: 96, width: 96,
      registry: .standard)
    if detector.configuration.family == "ssd" {
      #expect(head.taps == ["logits", "boxes"])
      #expect(head.priors.count == 4 * (144 + 36 + 9 + 4 + 1))
    } else {
      #expect(head.taps == graph.outputs.map(\.name))
      #expect(head.levels.map(\.stride) == [8, 16, 32])
    }
    let gray = PixelBuffer(width: 50, height: 40, pixels: Array(repeating: 90, count: 6000))
    #expect(try detector.detect(gray).allSatisfy { $0.confidence.isFinite })
  }

  @Test func whatCannotBeBuiltSaysWhy() {
    #expect(throws: ArchitectureError.imageSize(100, stride: 32)) {
      try Architecture.yolov8n.build(ArchitectureOptions(classes: ["a"], imageSize: 100))
    }
    #expect(throws: ArchitectureError.noClasses) {
      try Architecture.yolov5n.build(ArchitectureOptions(classes: []))
    }
    #expect(Architecture.named("no such architecture") == nil)
  }
}

/// A session as the network of a detector.
private final class StillRuntime: DetectorRuntime {
  private let session: Session
  let imageInput: ImageInput
  let input: UnsafeMutableRawPointer

  init(_ graph: Graph) throws {
    session = try Session(graph, registry: .standard)
    let view = try #require(session.input("images"))
    imageInput = try #require(ImageInput(name: "images", type: view.type))
    input = view.base
  }

  var outputNames: [String] { session.outputNames }

  func run() throws -> [String: Tensor] {
    try session.run()
    return session.outputNames.reduce(into: [:]) { $0[$1] = session.output($1) }
  }
}
