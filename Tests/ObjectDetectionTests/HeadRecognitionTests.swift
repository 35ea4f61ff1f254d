import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// What output shapes are taken for, and what is left to the user.
@Suite struct HeadRecognitionTests {
  private func evidence(
    _ shapes: [[Int]], _ opType: String? = nil, names: Int? = nil, height: Int = 320,
    width: Int = 320
  ) -> HeadEvidence {
    HeadEvidence(
      outputs: shapes.enumerated().map { ($0 == 0 ? "output" : "output\($0)", $1) },
      height: height, width: width, graph: .ending(in: opType, names: names))
  }

  struct Shape: Sendable {
    var shapes: [[Int]]
    var opType: String?
    var size = 320
    var family: String
    var classes: Int
  }

  @Test(arguments: [
    Shape(shapes: [[1, 25200, 85]], size: 640, family: "yolov5", classes: 80),
    Shape(shapes: [[1, 1500, 6]], family: "yolov5", classes: 1),
    Shape(
      shapes: [[1, 255, 40, 40], [1, 255, 20, 20], [1, 255, 10, 10]], family: "yolov5",
      classes: 80),
    Shape(
      shapes: [[1, 144, 40, 40], [1, 144, 20, 20], [1, 144, 10, 10]], family: "yolov8",
      classes: 80),
    Shape(
      shapes: [[1, 65, 40, 40], [1, 65, 20, 20], [1, 65, 10, 10]], family: "yolov8", classes: 1),
    Shape(shapes: [[1, 84, 8400]], size: 640, family: "yolov8", classes: 80),
    Shape(shapes: [[1, 8400, 84]], opType: "Softmax", size: 640, family: "yolov8", classes: 80),
    Shape(shapes: [[1, 8400, 85]], size: 640, family: "yolox", classes: 80),
    Shape(shapes: [[1, 2100, 6]], family: "yolox", classes: 1),
    Shape(shapes: [[1, 3598, 112]], size: 416, family: "nanodet", classes: 80),
    Shape(shapes: [[1, 85, 32, 32]], size: 512, family: "fastestdet", classes: 80),
    Shape(
      shapes: [[1, 22, 22, 95], [1, 11, 11, 95]], size: 352, family: "yolo-fastestv2",
      classes: 80),
    Shape(shapes: [[1, 300, 6]], opType: "TopK", family: "end-to-end", classes: 80),
    Shape(shapes: [[1, 300, 6]], size: 640, family: "end-to-end", classes: 80),
    Shape(shapes: [[100, 6]], opType: "NonMaxSuppression", family: "end-to-end", classes: 80),
  ])
  func knownShapesAreRecognized(_ shape: Shape) throws {
    let recognition = try HeadRecognition.of(
      evidence(shape.shapes, shape.opType, height: shape.size, width: shape.size))
    #expect(recognition.configuration.family == shape.family)
    #expect(recognition.configuration.classes.count == shape.classes)
    #expect(!recognition.reasons.isEmpty)
  }

  @Test func inputsThatStridesDoNotDivideAreRecognized() throws {
    // 300 × 500: strides 8, 16, 32 give 38 × 63, 19 × 32 and 10 × 16 cells.
    let cells = 38 * 63 + 19 * 32 + 10 * 16
    let found = try HeadRecognition.of(evidence([[1, cells, 85]], height: 300, width: 500))
    #expect(found.configuration.family == "yolox")
  }

  @Test(arguments: [
    ([[1, 66, 40, 40], [1, 66, 20, 20], [1, 66, 10, 10]], ["yolov5", "yolov8"]),
    ([[1, 300, 6]], ["yolov5", "end-to-end"]),
    ([[1, 2125, 40]], ["yolox", "nanodet"]),
  ])
  func whatFitsSeveralFamiliesIsAnErrorThatNamesThem(
    _ shapes: [[Int]], _ families: [String]
  ) throws {
    #expect {
      try HeadRecognition.of(evidence(shapes))
    } throws: { error in
      let text = "\(error)"
      return families.allSatisfy { text.contains($0) }
    }
    for family in families {
      let chosen = try HeadRecognition.of(evidence(shapes), family: family)
      #expect(chosen.configuration.family == family)
    }
  }

  @Test func classNamesInTheMetadataDecideBetweenFamilies() throws {
    let maps = [[1, 66, 40, 40], [1, 66, 20, 20], [1, 66, 10, 10]]
    let asV8 = try HeadRecognition.of(evidence(maps, names: 2))
    #expect(asV8.configuration.family == "yolov8")
    #expect(asV8.configuration.classes == ["n0", "n1"])
    let asV5 = try HeadRecognition.of(evidence(maps, names: 17))
    #expect(asV5.configuration.family == "yolov5")
  }

  @Test(arguments: [
    [[1, 2]], [[1, 1000]], [[1, 3, 320, 320]], [], [[1, 100, 92], [1, 100, 4]],
  ])
  func otherNetworksAreNotTakenForDetectors(_ shapes: [[Int]]) {
    #expect {
      try HeadRecognition.of(evidence(shapes))
    } throws: { error in
      "\(error)".contains("not recognised")
    }
  }

  @Test func namesWithQuotesAndApostrophesAreRead() throws {
    var graph = Graph()
    graph.properties.metadata["names"] = #"{0: 'red cell', 1: "driver's cab"}"#
    let evidence = HeadEvidence(
      outputs: [("output", [1, 6, 2100])], height: 320, width: 320, graph: graph)
    let found = try HeadRecognition.of(evidence)
    #expect(found.configuration.classes == ["red cell", "driver's cab"])
  }

  @Test func anAskedForFamilyBeatsTheOneInTheMetadata() throws {
    let network = FixedNetwork(EncodedHead.yolox(decoded: false))
    let plain = try Detector(network, graph: Graph())
    var graph = Graph()
    graph.properties.metadata[Detector.metadataKey] = String(
      decoding: try JSONEncoder().encode(plain.configuration), as: UTF8.self)
    #expect(try Detector(network, graph: graph).reasons == ["the model's metadata says so"])
    var settings = HeadSettings()
    settings.family = "yolov8"
    #expect(
      try Detector(network, graph: graph, settings: settings).configuration.family == "yolov8")
  }

  @Test func brokenMetadataIsPassedOver() throws {
    let network = FixedNetwork(EncodedHead.yolox(decoded: false))
    var configuration = try Detector(network, graph: Graph()).configuration
    configuration.preprocessing.mean = []
    var graph = Graph()
    graph.properties.metadata[Detector.metadataKey] = String(
      decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
    #expect(try Detector(network, graph: graph).reasons != ["the model's metadata says so"])
  }
}
