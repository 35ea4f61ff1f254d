import Foundation
import GraphIR
import ObjectDetection
import Tensors
import TestSupport
import Testing

/// Boxes written into raw outputs come back out of each family.
@Suite struct HeadDecodingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var family: String
    var outputs: @Sendable () -> EncodedHead.Outputs
    var lastOperator: String?
    /// Settings in YAML for what cannot be recognised.
    var settings = ""

    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "YOLOv5 decoded", family: "yolov5", outputs: { EncodedHead.yolov5Decoded() }),
    Case(
      name: "YOLOv5 raw, channels first", family: "yolov5",
      outputs: { EncodedHead.yolov5Raw(split: false) }),
    Case(
      name: "YOLOv5 raw, anchors apart", family: "yolov5",
      outputs: { EncodedHead.yolov5Raw(split: true) }),
    Case(
      name: "YOLOv8 decoded", family: "yolov8",
      outputs: { EncodedHead.yolov8Decoded(transposed: false) }),
    Case(
      name: "YOLOv8 decoded, transposed", family: "yolov8",
      outputs: { EncodedHead.yolov8Decoded(transposed: true) }, lastOperator: "Softmax"),
    Case(name: "YOLOv8 raw", family: "yolov8", outputs: { EncodedHead.yolov8Raw() }),
    Case(name: "YOLOX raw", family: "yolox", outputs: { EncodedHead.yolox(decoded: false) }),
    Case(
      name: "YOLOX decoded", family: "yolox", outputs: { EncodedHead.yolox(decoded: true) },
      lastOperator: "Exp"),
    Case(name: "NanoDet", family: "nanodet", outputs: { EncodedHead.nanoDet(plus: false) }),
    Case(name: "NanoDet-Plus", family: "nanodet", outputs: { EncodedHead.nanoDet(plus: true) }),
    Case(
      name: "SSD decoded", family: "ssd", outputs: { EncodedHead.ssdDecoded() },
      lastOperator: "Exp"),
    Case(
      name: "SSD raw", family: "ssd", outputs: { EncodedHead.ssdRaw() },
      settings: "{family: ssd, isDecoded: false, strides: [32], anchors: [[[64, 64], [100, 100]]]}"),
    Case(name: "FastestDet", family: "fastestdet", outputs: { EncodedHead.fastestDet() }),
    Case(
      name: "Yolo-FastestV2 exported", family: "yolo-fastestv2",
      outputs: { EncodedHead.yoloFastestV2(raw: false) }),
    Case(
      name: "Yolo-FastestV2 raw", family: "yolo-fastestv2",
      outputs: { EncodedHead.yoloFastestV2(raw: true) }),
    Case(
      name: "end to end", family: "end-to-end", outputs: { EncodedHead.endToEnd() },
      lastOperator: "TopK"),
  ]

  @Test(arguments: cases)
  func knownBoxesComeBack(_ family: Case) throws {
    let network = FixedNetwork(family.outputs())
    var settings = try HeadSettings.parse(family.settings, file: "test.yaml")
    settings.classes = EncodedHead.classes
    // Softmax leaves something for the other classes.
    settings.confidence = 0.5
    let graph = Graph.ending(
      in: family.lastOperator, family.family == "ssd" ? "boxes" : "output", names: 4)
    let detector = try Detector(network, graph: graph, settings: settings)
    #expect(detector.configuration.family == family.family)
    #expect(!detector.reasons.isEmpty)
    let image = PixelBuffer(
      width: 320, height: 320, pixels: [UInt8](repeating: 7, count: 320 * 320 * 3))
    let found = try detector.detect(image)
    try #require(found.count == EncodedHead.objects.count, "\(found)")
    for (ours, known) in zip(found, EncodedHead.objects) {
      #expect(ours.classIndex == known.classIndex)
      #expect(abs(ours.confidence - known.confidence) < Tolerance.fastMath.bound)
      for (a, b) in zip(edges(ours.box), edges(known.box)) {
        #expect(abs(a - b) < Tolerance.boxEdge.bound, "\(ours.box) against \(known.box)")
      }
    }
  }

  @Test func everyFamilyIsTested() {
    // Described heads have goldens of their own.
    let tested = Set(Self.cases.map(\.family) + ["described"])
    #expect(tested == Set(HeadFamily.all.map(\.name)))
  }

  @Test(arguments: cases)
  func anImageOfAnotherShapeGetsItsBoxesInItsOwnPixels(_ family: Case) throws {
    let network = FixedNetwork(family.outputs())
    var settings = try HeadSettings.parse(family.settings, file: "test.yaml")
    settings.classes = EncodedHead.classes
    // Softmax leaves something for the other classes.
    settings.confidence = 0.5
    let graph = Graph.ending(
      in: family.lastOperator, family.family == "ssd" ? "boxes" : "output", names: 4)
    let detector = try Detector(network, graph: graph, settings: settings)
    let image = PixelBuffer(
      width: 640, height: 480, pixels: [UInt8](repeating: 7, count: 640 * 480 * 3))
    let found = try detector.detect(image)
    try #require(found.count == EncodedHead.objects.count)
    for (ours, known) in zip(found, EncodedHead.objects) {
      let k = known.box
      let expected: [Double] =
        switch detector.configuration.preprocessing.fit {
        case .stretch: [k.left * 2, k.top * 1.5, k.right * 2, k.bottom * 1.5]
        case .letterboxTopLeft: [k.left * 2, k.top * 2, k.right * 2, k.bottom * 2]
        // 640 × 480 fills 320 × 240; 40 rows of padding lie above.
        case .letterboxCentre:
          [k.left * 2, (k.top - 40) * 2, k.right * 2, (k.bottom - 40) * 2]
        }
      for (a, b) in zip(edges(ours.box), expected) {
        #expect(abs(a - b) < 2 * Tolerance.boxEdge.bound)
      }
    }
  }

  @Test(arguments: HeadFamily.all.map(\.name))
  func outputsOfAnotherFamilyAreAnErrorThatNamesTheFamily(_ family: String) throws {
    var settings = HeadSettings()
    settings.family = family
    let network = FixedNetwork([
      ("output", Tensor([Float](repeating: 1, count: 77), shape: [1, 77]))
    ])
    let detector = try Detector(network, graph: Graph(), settings: settings)
    let image = PixelBuffer(width: 4, height: 4, pixels: [UInt8](repeating: 0, count: 48))
    #expect {
      try detector.detect(image)
    } throws: { error in
      "\(error)".contains("head family \(family)")
    }
  }

  private func edges(_ b: Box) -> [Double] { [b.left, b.top, b.right, b.bottom] }
}
