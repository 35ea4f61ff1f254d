import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import TestSupport
import Tensors
import Testing
import Training

/// What is done to imported detectors before they are trained, on the shared ones.
@Suite(.enabled(if: SharedAssets.isPresent, Comment(rawValue: SharedAssets.absence)))
struct ImportedModelTests {
  private func model(_ name: String) throws -> Graph {
    try ModelFile.load(SharedAssets.model("\(name).onnx"))
  }

  private func images(_ count: Int, _ height: Int, _ width: Int) -> [[Float]] {
    var random = CounterRandom(seed: 12)
    return (0..<count).map { _ in
      (0..<3 * height * width).map { _ in Float.random(in: 0..<1, using: &random) }
    }
  }

  private func outputs(_ graph: Graph, _ image: [Float], _ shape: [Int]) throws -> [Tensor] {
    let session = try Session(graph, registry: .standard)
    let feed = [session.inputs[0].name: Tensor(image, shape: shape)]
    let result = try session.run(feed)
    return session.outputNames.compactMap { result[$0] }
  }

  /// Normalised maximum error.
  private func error(_ a: [Tensor], _ b: [Tensor]) -> Double {
    zip(a, b).map { a, b in
      let scale = b.floats.reduce(Float(0)) { max($0, abs($1)) }
      let worst = zip(a.floats, b.floats).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
      return Double(worst / max(scale, 1e-30))
    }.max() ?? .infinity
  }

  private static let configuration = HeadConfiguration(
    family: "yolov8", classes: COCOClasses.names, strides: [8, 16, 32])

  @Test func theRawMapsOfADecodedHeadAreFound() throws {
    let head = try RawHead.find(
      in: model("yolo11n_dequant"), configuration: Self.configuration, height: 320, width: 320,
      registry: .standard)
    #expect(head.levels.map(\.stride) == [8, 16, 32])
    #expect(head.levels.map(\.rows) == [40, 20, 10])
    #expect(head.taps.count == 6 && head.regMax == 15)
    #expect(head.levels.allSatisfy { $0.box.map != $0.classes.map })
  }

  @Test func theMapsOfYOLOXAreFoundAndTrained() throws {
    let configuration = HeadConfiguration(
      family: "yolox", classes: COCOClasses.names, strides: [8, 16, 32], isDecoded: false)
    let graph = try model("yolox_nano_416")
    let head = try RawHead.find(
      in: graph, configuration: configuration, height: 416, width: 416, registry: .standard)
    #expect(head.levels.map(\.rows) == [52, 26, 13] && head.taps.count == 9)
  }

  @Test func theMapsOfNanoDetAreFoundBehindTheirSigmoids() throws {
    let configuration = HeadConfiguration(
      family: "nanodet", classes: COCOClasses.names, strides: [8, 16, 32], regMax: 7,
      isDecoded: false)
    let head = try RawHead.find(
      in: model("nanodet_m_320"), configuration: configuration, height: 320, width: 320,
      registry: .standard)
    #expect(head.taps.count == 3 && head.regMax == 7)
    #expect(head.levels.allSatisfy { $0.classes.first == 0 && $0.box.first == 80 })
  }

  @Test func darknetsAnchorsAreReadOffTheirDecoding() throws {
    let configuration = HeadConfiguration(
      family: "yolov5", classes: COCOClasses.names, strides: [16, 32], isDecoded: true)
    let head = try RawHead.find(
      in: model("yolo_fastest_1.1_bn"), configuration: configuration, height: 320, width: 320,
      registry: .standard)
    #expect(head.levels.map(\.stride) == [16, 32] && head.levels.map(\.rows) == [20, 10])
    #expect(head.taps.count == 2 && head.coding == .exponentials)
    #expect(
      head.configuration.anchors == [
        [[12, 18], [37, 49], [52, 132]], [[115, 73], [119, 199], [242, 238]],
      ])
  }

  @Test(arguments: ["yolov5lite_s_320_bn", "yolov5lite_e_320_folded"])
  func yolov5sAnchorsAreReadOffTheirDecoding(name: String) throws {
    let configuration = HeadConfiguration(
      family: "yolov5", classes: COCOClasses.names, strides: [8, 16, 32], isDecoded: true)
    let head = try RawHead.find(
      in: model(name), configuration: configuration, height: 320, width: 320, registry: .standard)
    #expect(head.levels.map(\.stride) == [8, 16, 32] && head.coding == .squares)
    #expect(
      head.configuration.anchors == [
        [[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 119]],
        [[116, 90], [156, 198], [373, 326]],
      ])
  }

  @Test func priorsAndVariancesAreReadOffTheirDecoding() throws {
    let sizes: [[[Double]]] = [
      [[10, 10], [16, 16], [24, 24]], [[32, 32], [48, 48]], [[64, 64], [96, 96]],
      [[128, 128], [192, 192], [256, 256]],
    ]
    let stated = HeadConfiguration(
      family: "ssd", classes: ["face"], strides: [8, 16, 32, 64], anchors: sizes, isDecoded: false)
    var configuration = stated
    (configuration.isDecoded, configuration.anchors, configuration.variances) = (true, [], [1, 1])
    let head = try RawHead.find(
      in: model("ultraface_rfb_320_bn"), configuration: configuration, height: 240, width: 320,
      registry: .standard)
    #expect(head.configuration.variances == [0.1, 0.2])
    let expected = stated.priors(height: 240, width: 320)
    try #require(head.priors.count == expected.count)
    for (ours, theirs) in zip(head.priors, expected) {
      // The graph's priors are no larger than the image.
      let middle = (theirs.top + theirs.bottom) / 2
      let bottom = middle + min(theirs.height, 240) / 2
      #expect(abs(ours.left - theirs.left) < 0.01 && abs(ours.bottom - bottom) < 0.01)
    }
  }

  @Test(arguments: ["fastestdet_512_bn", "fastestdet_512_folded"])
  func fastestDetsLogitsAreFoundBehindTheirNormalisations(name: String) throws {
    let graph = try model(name)
    let configuration = HeadConfiguration(
      family: "fastestdet", classes: COCOClasses.names, strides: [16], isDecoded: false)
    let head = try RawHead.find(
      in: graph, configuration: configuration, height: 512, width: 512, registry: .standard)
    let links = Connectivity(graph)
    #expect(head.levels.count == 1 && head.levels[0].rows == 32)
    let readers = head.taps.map { tap in links.consumers[tap]?.map { graph.nodes[$0].opType } }
    #expect(Set(readers) == [["Sigmoid"], ["Concat"], ["Transpose"]])
  }

  @Test(arguments: ["yolo11n_dequant", "nanodet_m_320", "yolo_fastest_1.1_bn"])
  func roundedWeightsAreTheWeightsOfLastConvolutions(name: String) throws {
    let graph = try model(name)
    var rounded = graph
    rounded.initializers["exponent"] = Initializer(Tensor([Float(-7)], shape: []))
    for index in rounded.nodes.indices where rounded.nodes[index].qualifiedType == "Conv" {
      let weight = rounded.nodes[index].inputs[1]
      rounded.nodes[index].inputs[1] = "\(index)/rounded"
      rounded.nodes.append(
        Node(
          "FakeQuantize", domain: "compress", inputs: [weight, "exponent"],
          outputs: ["\(index)/rounded"], attributes: ["lowest": .int(-127), "highest": .int(127)]))
    }
    #expect(rounded.lastConvolutions(.standard) == graph.lastConvolutions(.standard))
    #expect(graph.lastConvolutions(.standard).count >= 2)
  }

  /// A shared network, its family, and which numbers of its outputs are boxes and objectness.
  struct Replaced: Sendable, CustomTestStringConvertible {
    var model: String
    var shape: [Int]
    /// The outputs with three classes.
    var outputs: [[Int]]
    /// The axis of the fields in each output, and those that must stay.
    var kept: [(axis: Int, fields: Range<Int>)]
    var testDescription: String { model }
  }

  @Test(arguments: [
    Replaced(
      model: "yolo11n_dequant", shape: [1, 3, 320, 320], outputs: [[1, 7, 2100]],
      kept: [(1, 0..<4)]),
    Replaced(
      model: "yolov5lite_s_320_bn", shape: [1, 3, 320, 320], outputs: [[1, 6300, 8]],
      kept: [(2, 0..<5)]),
    Replaced(
      model: "yolov5lite_e_320_folded", shape: [1, 3, 320, 320], outputs: [[1, 6300, 8]],
      kept: [(2, 0..<5)]),
    Replaced(
      model: "yolo_fastest_1.1_bn", shape: [1, 3, 320, 320], outputs: [[1, 1500, 8]],
      kept: [(2, 0..<5)]),
    Replaced(
      model: "yolox_nano_416", shape: [1, 3, 416, 416], outputs: [[1, 3549, 8]],
      kept: [(2, 0..<5)]),
    Replaced(
      model: "fastestdet_512_bn", shape: [1, 3, 512, 512], outputs: [[1, 8, 32, 32]],
      kept: [(1, 0..<5)]),
    Replaced(
      model: "fastestdet_512_folded", shape: [1, 3, 512, 512], outputs: [[1, 8, 32, 32]],
      kept: [(1, 0..<5)]),
    Replaced(
      model: "nanodet_m_320", shape: [1, 3, 320, 320],
      outputs: [
        [1, 1600, 3], [1, 400, 3], [1, 100, 3], [1, 1600, 32], [1, 400, 32], [1, 100, 32],
      ],
      kept: [(2, 0..<0), (2, 0..<0), (2, 0..<0), (2, 0..<32), (2, 0..<32), (2, 0..<32)]),
    Replaced(
      model: "ultraface_rfb_320_bn", shape: [1, 3, 240, 320],
      outputs: [[1, 4420, 4], [1, 4420, 4]], kept: [(2, 0..<0), (2, 0..<4)]),
  ])
  func aReplacedHeadPlacesBoxesAsBefore(_ replaced: Replaced) throws {
    let graph = try model(replaced.model)
    let engine = Engine(threads: 2)
    var adaptation = ModelAdaptation(graph, engine: engine)
    try adaptation.replaceClasses(["a", "b", "c"], seed: 1)
    let result = adaptation.graph
    try result.verify()
    let image = images(1, replaced.shape[2], replaced.shape[3])[0]
    func fields(_ tensor: Tensor, _ kept: (axis: Int, fields: Range<Int>)) -> Tensor {
      let inner = tensor.shape[(kept.axis + 1)...].product
      let values = tensor.floats
      let chosen = values.indices.filter {
        kept.fields.contains($0 / inner % tensor.shape[kept.axis])
      }
      return Tensor(chosen.map { values[$0] })
    }
    let before = try outputs(graph, image, replaced.shape)
    let after = try outputs(result, image, replaced.shape)
    #expect(after.map(\.shape) == replaced.outputs)
    for (kept, (old, new)) in zip(replaced.kept, zip(before, after)) where !kept.fields.isEmpty {
      #expect(error([fields(new, kept)], [fields(old, kept)]) < Tolerance.network.bound)
    }
    let reading = try DetectorReading(result, engine: engine)
    #expect(reading.configuration.classes == ["a", "b", "c"])
    // It can be trained on, and be given classes once more.
    try adaptation.replaceClasses(["only"], seed: 2)
    let again = try outputs(adaptation.graph, image, replaced.shape)
    #expect(again.map(\.shape.count) == replaced.outputs.map(\.count))
  }

  @Test func classesThatAHeadKnowsKeepTheirScores() throws {
    let graph = try model("yolov5lite_e_320_folded")
    var adaptation = ModelAdaptation(graph, engine: Engine(threads: 2))
    try adaptation.replaceClasses(["dog", "widget", "Person"], seed: 1)
    let image = images(1, 320, 320)[0]
    let before = try outputs(graph, image, [1, 3, 320, 320])[0].floats
    let after = try outputs(adaptation.graph, image, [1, 3, 320, 320])[0].floats
    let dog = try #require(COCOClasses.names.firstIndex(of: "dog"))
    let known = stride(from: 0, to: 6300, by: 7)
    #expect(known.allSatisfy { abs(after[$0 * 8 + 5] - before[$0 * 85 + 5 + dog]) < 1e-5 })
    #expect(known.allSatisfy { abs(after[$0 * 8 + 7] - before[$0 * 85 + 5]) < 1e-5 })
  }

  @Test(arguments: [("yolo11n_dequant", 320), ("fastestdet_512_folded", 512)])
  func insertedNormalisationsChangeNothing(name: String, size: Int) throws {
    let graph = try model(name)
    let inputs = images(3, size, size)
    let shape = [1, 3, size, size]
    let (result, count) = try graph.insertingBatchNormalization(
      except: Set(graph.lastConvolutions(.standard)), calibration: Array(inputs.prefix(2)),
      shape: shape,
      engine: Engine(threads: 2))
    try result.verify()
    #expect(count > 50)
    #expect(
      result.nodes.count { $0.opType == "BatchNormalization" }
        == count + graph.nodes.count { $0.opType == "BatchNormalization" })
    let (before, after) = (
      try outputs(graph, inputs[2], shape), try outputs(result, inputs[2], shape)
    )
    #expect(error(after, before) < Tolerance.network.bound)
    // Folding gives the weights back, and projections are left alone.
    var folded = result
    try FoldBatchNormalization().run(on: &folded, registry: .standard)
    let normalized = Set(
      result.nodes.filter { $0.opType == "BatchNormalization" }.map { $0.inputs[0] })
    #expect(normalized.isDisjoint(with: graph.lastConvolutions(.standard)))
    let convolutions = [graph, folded].map { graph in graph.nodes.filter { $0.opType == "Conv" } }
    #expect(convolutions[0].count == convolutions[1].count)
    for (before, after) in zip(convolutions[0], convolutions[1]) {
      guard let old = graph[constant: before.inputs[1]] else { continue }
      let new = try #require(folded[constant: after.inputs[1]])
      #expect(error([new], [old]) < 1e-5)
    }
  }

  @Test func anImageOfAnotherSizeIsRefused() throws {
    let graph = try model("nanodet_m_320")
    #expect(throws: TrainingError.imageSize(expected: [1, 3, 320, 320], found: 12)) {
      _ = try graph.insertingBatchNormalization(
        except: [], calibration: [Array(repeating: 0, count: 12)], shape: [1, 3, 320, 320],
        engine: Engine())
    }
  }

  /// Larger batches than the file's, on the network's outputs as they are, by stored statistics.
  @Test(
    arguments: [
      ("yolo11n_dequant", 320), ("yolox_nano_416", 416), ("nanodet_m_320", 320),
      ("yolo_fastest_1.1_bn", 320), ("fastestdet_512_bn", 512),
    ])
  func aFileOfBatchOneIsTrainedInBatches(name: String, size: Int) throws {
    let graph = try model(name)
    var options = TrainingStep.Options(
      batchSize: 2, imageSize: (size, size), engine: Engine(threads: 2))
    options.normalization = .frozen
    let taps = graph.outputs.map(\.name)
    let parameters = TrainableParameter.all(in: graph, registry: .standard).map(\.name)
    let step = try TrainingStep(graph, taps: taps, parameters: parameters, options: options)
    #expect(step.parameters.count == parameters.count)
    let inputs = images(2, size, size)
    for (index, value) in inputs.joined().enumerated() { step.images[index] = value }
    try step.forward()
    let expected = try outputs(graph, inputs[1], [1, 3, size, size])
    for (map, single) in zip(step.maps, expected) {
      #expect(map.shape == [2] + single.shape.dropFirst())
      let second = Tensor(
        (0..<single.count).map { map.values[single.count + $0] }, shape: single.shape)
      #expect(error([second], [single]) < Tolerance.network.bound)
      for index in 0..<map.shape.reduce(1, *) { map.gradient[index] = 1e-3 }
    }
    try step.backward()
    for index in step.parameters.indices {
      let isFinite = step.gradient(of: index)?.allSatisfy { $0.isFinite } ?? true
      #expect(isFinite, "\(step.parameters[index])")
    }
  }
}

@Suite struct OutputMatchingTests {
  @Test func theSameWeightsMatchAndOthersAreDrawnBack() throws {
    let network = TinyProblem.network()
    func objective() throws -> OutputMatching {
      try OutputMatching(
        original: network, outputs: ["y"], batchSize: 4,
        imageSize: (TinyProblem.size, TinyProblem.size), engine: Engine())
    }
    let fixture = LossFixture([[4, 2, TinyProblem.size, TinyProblem.size]], seed: 3)
    let batch = TinyProblem.Source().batch(epoch: 0, index: 0)
    let matching = try objective()
    let pool = ThreadPool(threads: 1)
    let error = fixture.directionalError { maps in
      (try? matching.evaluate(maps, on: batch, pool: pool)) ?? LossValue(parts: [.nan])
    }
    #expect(error < Tolerance.finiteDifference.bound)

    var configuration = TrainingConfiguration()
    (configuration.epochs, configuration.batchSize) = (6, 4)
    configuration.freezesNormalization = true
    for (seed, bound) in [(UInt64(1), 1e-6), (2, 0.6)] {
      let trainer = try Trainer(
        TinyProblem.network(seed: seed), objective: try objective(),
        parameters: TinyProblem.parameters, source: TinyProblem.Source(),
        imageSize: (TinyProblem.size, TinyProblem.size), configuration: configuration,
        engine: Engine(threads: 1))
      _ = try trainer.run()
      let losses = trainer.progress.history.map { $0.losses[0] }
      #expect(losses[5] <= max(bound, losses[0] * bound), "\(losses)")
    }
  }
}
