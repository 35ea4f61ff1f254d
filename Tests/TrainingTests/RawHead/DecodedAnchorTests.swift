import Execution
import GraphIR
import ObjectDetection
import Operators
import TestSupport
import Tensors
import Testing
import Training

/// Anchors that stand only in the decoding, and classes that it counts, on small networks.
@Suite struct DecodedAnchorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var tail: AnchorTail
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "split", tail: AnchorTail()),
    Case(name: "slice", tail: AnchorTail(cutting: .slice)),
    Case(name: "computed shapes", tail: AnchorTail(computesShapes: true)),
    Case(name: "Darknet", tail: AnchorTail(isExponential: true)),
    Case(
      name: "Darknet, sliced, computed shapes",
      tail: AnchorTail(cutting: .slice, computesShapes: true, isExponential: true)),
    Case(name: "scaled channels", tail: AnchorTail(isScaled: true)),
  ]

  private func head(_ tail: AnchorTail) throws -> RawHead {
    try RawHead.find(
      in: tail.graph, configuration: tail.configuration, height: AnchorTail.size,
      width: AnchorTail.size, registry: .standard)
  }

  private func rows(_ graph: Graph) throws -> Tensor {
    let session = try Session(graph, registry: .standard)
    let count = 3 * AnchorTail.size * AnchorTail.size
    var random = CounterRandom(seed: 8)
    let image = Tensor(
      (0..<count).map { _ in Float.random(in: 0..<1, using: &random) },
      shape: [1, 3, AnchorTail.size, AnchorTail.size])
    return try #require(try session.run(["images": image]).values.first)
  }

  @Test(arguments: cases) func anchorsAreReadOff(_ example: Case) throws {
    let head = try head(example.tail)
    #expect(head.configuration.anchors == AnchorTail.anchors)
    #expect(head.configuration.strides == AnchorTail.strides)
    #expect(head.coding == (example.tail.isExponential ? .exponentials : .squares))
    _ = try head.loss()
  }

  @Test(arguments: cases) func classesAreReplacedToTheOutputs(_ example: Case) throws {
    let graph = example.tail.graph
    let names = ["x", "b", "y", "z"]
    let result = try head(example.tail).replacingClasses(
      in: graph, with: names, seed: 1, registry: .standard)
    let (before, after) = (try rows(graph), try rows(result))
    #expect(before.shape == [1, 60, 7] && after.shape == [1, 60, 9])
    // Boxes, objectness and the class that both have are as they were.
    for row in 0..<60 {
      let old = [0, 1, 2, 3, 4, 6].map { before.floats[row * 7 + $0] }
      let new = [0, 1, 2, 3, 4, 6].map { after.floats[row * 9 + $0] }
      #expect(zip(old, new).allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($0)) })
    }
    // New classes begin at their prior, 0.6 / (C − 1).
    let prior = Float(0.6 / 3) / (1 + 0.6 / 3)
    let scores = (0..<60).map { after.floats[$0 * 9 + 5] }
    #expect(scores.allSatisfy { abs($0 - prior) < 0.1 })
    let reading = try DetectorReading(result, engine: Engine())
    #expect(reading.configuration.classes == names && reading.configuration.isDecoded)
  }

  @Test func decodingThatTellsClassesApartIsCutOff() throws {
    let tail = AnchorTail(weighsClasses: true)
    let result = try head(tail).replacingClasses(
      in: tail.graph, with: ["x"], seed: 1, registry: .standard)
    let session = try Session(result, registry: .standard)
    #expect(session.outputNames.count == 2)
    let configuration = try DetectorReading(result, engine: Engine()).configuration
    #expect(!configuration.isDecoded && configuration.anchors == AnchorTail.anchors)
    #expect(configuration.classes == ["x"])
    // Raw maps that decode by exponentials cannot be read.
    let darknet = AnchorTail(isExponential: true, weighsClasses: true)
    #expect {
      try head(darknet).replacingClasses(
        in: darknet.graph, with: ["x"], seed: 1, registry: .standard)
    } throws: { error in
      guard case RawHeadError.fixedClasses("yolov5", let reason) = error else { return false }
      return reason.contains("Mul") && reason.contains("tells classes apart")
    }
  }

  /// As many classes as a box has numbers, or as objectness has.
  @Test(arguments: [["a", "b", "c", "d"], ["a"]], ["yolox", "fastestdet"])
  func classesAreToldFromBoxes(names: [String], golden: String) throws {
    var adaptation = ModelAdaptation(try HeadGolden(golden).graph, engine: Engine())
    func head() throws -> RawHead {
      let configuration = try DetectorReading(adaptation.graph, engine: Engine()).configuration
      return try RawHead.find(
        in: adaptation.graph, configuration: configuration, height: HeadGolden.size,
        width: HeadGolden.size, registry: .standard)
    }
    func boxes(_ head: RawHead) -> [String] { head.levels.map { head.taps[$0.box.map] } }
    let before = try head()
    try adaptation.replaceClasses(names, seed: 1)
    let after = try head()
    #expect(boxes(after) == boxes(before))
    #expect(
      after.levels.map { after.taps[$0.classes.map] }
        == before.levels.map { before.taps[$0.classes.map] })
  }

  @Test func anotherDecodingIsRefused() throws {
    var graph = AnchorTail().graph
    // Boxes by the cube of the sigmoid.
    for index in graph.nodes.indices where graph.nodes[index].opType == "Pow" {
      graph.initializers["cube"] = Initializer(Tensor(scalar: Float(3)))
      graph.nodes[index].inputs[1] = "cube"
    }
    #expect {
      try RawHead.find(
        in: graph, configuration: AnchorTail().configuration, height: AnchorTail.size,
        width: AnchorTail.size, registry: .standard)
    } throws: { error in
      guard case RawHeadError.shapes("yolov5", let expected, _) = error else { return false }
      return expected.contains("extents") || expected.contains("anchors")
    }
  }
}
