import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// How images are prepared for a network, and how that is known.
@Suite struct PreprocessingReadingTests {
  private static let engine = Engine(threads: 1)

  /// A convolution of images whose outputs look like no head, with seeded weights.
  private static func network() -> Graph {
    var random = SplitMix64(seed: 5)
    var graph = Graph(
      name: "plain",
      inputs: [ValueInfo(name: "images", type: ValueType(TensorType(.float32, [1, 3, 64, 64])))],
      outputs: [ValueInfo(name: "flat", type: ValueType(TensorType(.float32, [1, 8192])))])
    graph[constant: "weight"] = Tensor(
      (0..<8 * 27).map { _ in Float.random(in: -0.5..<0.5, using: &random) }, shape: [8, 3, 3, 3])
    graph.nodes = [
      Node(
        "Conv", name: "conv", inputs: ["images", "weight"], outputs: ["conv"],
        attributes: ["strides": .ints([2, 2]), "pads": .ints([1, 1, 1, 1])]),
      Node("Flatten", name: "flatten", inputs: ["conv"], outputs: ["flat"]),
    ]
    return graph
  }

  /// The network with a batch normalisation that saw images prepared in some way.
  private static func trained(_ preprocessing: Preprocessing) throws -> Graph {
    var graph = network()
    let session = try engine.session(graph)
    let view = try #require(session.input("images"))
    var (sum, squares) = ([Double](repeating: 0, count: 8), [Double](repeating: 0, count: 8))
    let images = Dataset.deadLeaves(count: 12, seed: 77, size: 90).images
    for image in images {
      _ = preprocessing.apply(
        try image.source.load(), as: ImageInput(name: "images", height: 64, width: 64),
        to: view.base)
      try session.run()
      for (index, value) in try #require(session.output("flat")).doubles.enumerated() {
        sum[index / 1024] += value
        squares[index / 1024] += value * value
      }
    }
    let count = Double(images.count * 1024)
    let mean = sum.map { $0 / count }
    graph[constant: "mean"] = Tensor(mean.map(Float.init), shape: [8])
    graph[constant: "variance"] = Tensor(
      zip(squares, mean).map { Float($0 / count - $1 * $1) }, shape: [8])
    for (name, value) in [("gamma", Float(1)), ("beta", 0)] {
      graph[constant: name] = Tensor([Float](repeating: value, count: 8), shape: [8])
    }
    graph.nodes[1].inputs = ["normal"]
    graph.nodes.insert(
      Node(
        "BatchNormalization", name: "normal",
        inputs: ["conv", "gamma", "beta", "mean", "variance"], outputs: ["normal"]), at: 1)
    return graph
  }

  private func settings(_ yaml: String) throws -> HeadSettings {
    try HeadSettings.parse(yaml, file: "head.yaml")
  }

  @Test(arguments: [
    Preprocessing(), Preprocessing(std: [1]), Preprocessing(mean: [127.5], std: [127.5]),
    Preprocessing(mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375]),
  ])
  func theFirstNormalizationTellsTheScale(preprocessing: Preprocessing) throws {
    let reading = try PreprocessingReading(Self.trained(preprocessing), engine: Self.engine)
    #expect(reading.preprocessing == preprocessing && reading.basis == .statistics)
    #expect(reading.remark?.contains("guess") ?? false)
  }

  @Test func statisticsOfNoImagesTellNothing() throws {
    var graph = try Self.trained(Preprocessing())
    for (name, value) in [("mean", Float(0)), ("variance", 1)] {
      graph[constant: name] = Tensor([Float](repeating: value, count: 8), shape: [8])
    }
    #expect(try PreprocessingReading(graph, engine: Self.engine).basis == .guess)
    graph[constant: "variance"] = Tensor([Float](repeating: 1e9, count: 8), shape: [8])
    #expect(try PreprocessingReading(graph, engine: Self.engine).basis == .guess)
  }

  @Test func aGuessIsSaidAndWhatIsGivenIsObeyed() throws {
    let graph = Self.network()
    let guess = try PreprocessingReading(graph, engine: Self.engine)
    #expect(guess.basis == .guess && guess.preprocessing == Preprocessing())
    #expect(guess.remark?.contains("pixels go from 0 to 1, which is a guess") ?? false)
    let given = try PreprocessingReading(
      graph, settings: settings("preprocessing: {std: [1], order: BGR}"), engine: Self.engine)
    #expect(given.preprocessing == Preprocessing(order: .bgr, std: [1]))
    #expect(given.basis == .given && given.remark == nil)
    let order = try PreprocessingReading(
      graph, settings: settings("preprocessing: {order: BGR}"), engine: Self.engine)
    #expect(order.preprocessing.order == .bgr && order.basis == .guess)
  }

  @Test func theModelCarriesWhatWasGiven() throws {
    var graph = try Self.trained(Preprocessing())
    let given = try PreprocessingReading(
      graph, settings: settings("preprocessing: {mean: [10], std: [20], fit: letterbox-centre}"),
      engine: Self.engine)
    try given.note(in: &graph)
    let read = try PreprocessingReading(graph, engine: Self.engine)
    #expect(read.preprocessing == given.preprocessing && read.basis == .model)
    #expect(read.remark == nil)
    var other = Self.network()
    try PreprocessingReading(other, engine: Self.engine).note(in: &other)
    #expect(other.properties.metadata.isEmpty)
  }

  @Test func aScaleComesBeforeMeanAndDeviation() throws {
    func preprocessing(_ keys: String) throws -> Preprocessing {
      try PreprocessingReading(
        Self.network(), settings: settings("preprocessing: {\(keys)}"), engine: Self.engine
      ).preprocessing
    }
    let torch = try preprocessing("scale: 0.00392156862745098, mean: [0.485], std: [0.229]")
    #expect(abs(torch.mean[0] - 123.675) < 1e-3 && abs(torch.std[0] - 58.395) < 1e-3)
    #expect(try preprocessing("scale: 0.5") == Preprocessing(std: [2]))
    #expect(try preprocessing("mean: [3]") == Preprocessing(mean: [3]))
  }

  @Test(arguments: ["mean: [0.485], std: [0.229]", "scale: 0", "std: [0]", "mean: [1, 2]"])
  func whatCannotBeIsRefused(keys: String) {
    #expect(throws: HeadError.self) { try settings("preprocessing: {\(keys)}") }
  }
}

/// What the first normalisations of real networks say.
@Suite(.enabled(if: SharedAssets.isPresent, "\(SharedAssets.absence)"))
struct FirstNormalizationTests {
  @Test(arguments: [
    ("yolo_fastest_1.1_bn", "pixels from 0 to 1"), ("yolo_fastest_1.1_xl_bn", "pixels from 0 to 1"),
    ("fastestdet_512_bn", "pixels from 0 to 1"), ("yolov5lite_s_320_bn", "pixels from 0 to 1"),
    ("ultraface_rfb_320_bn", "pixels from -1 to 1"),
  ])
  func realStatisticsTellTheScale(name: String, scale: String) throws {
    let graph = try ModelFile.load(SharedAssets.model("\(name).onnx"))
    let engine = Engine(threads: 2)
    let input = try graph.onlyImageInput([:])
    let first = try #require(try FirstNormalization(graph, input: input, engine: engine))
    #expect(try first.fit(Preprocessing(), isKnown: false)?.name == scale)
    #expect(try DetectorReading(graph, engine: engine).preparation.basis == .family)
    // Bytes in place of what the network knows are found out, though a family expects them.
    #expect(try first.fit(Preprocessing(std: [1]), isKnown: true)?.name == scale)
  }
}
