import Execution
import Foundation
import GraphIR
import ObjectDetection
import Operators
import TestSupport
import Tensors
import Testing
import Training

/// What can be done with each head, found out on small networks, is what the README says.
///
/// `UPDATE_SNAPSHOTS=1 swift test -c release --filter SupportedHeadsTests` writes the table.
@Suite struct SupportedHeadsTests {
  /// A line of the table.
  struct Head: Sendable {
    var title: String
    /// The goldens of its forms.
    var goldens: [String]
  }

  static let heads = [
    Head(title: "YOLOv5, YOLOv7, YOLOv5-Lite", goldens: ["yolov5-decoded", "yolov5-raw"]),
    Head(title: "YOLOv3, YOLO-Fastest", goldens: ["darknet-decoded"]),
    Head(title: "YOLOv8 to YOLO12", goldens: ["yolov8-decoded", "yolov8-raw"]),
    Head(title: "YOLOX", goldens: ["yolox"]),
    Head(title: "NanoDet", goldens: ["nanodet"]),
    Head(title: "FastestDet", goldens: ["fastestdet"]),
    Head(title: "SSD, UltraFace", goldens: ["ssd-decoded"]),
    Head(title: "Yolo-FastestV2", goldens: ["yolo-fastestv2-maps", "yolo-fastestv2"]),
    Head(title: "end to end: YOLOv10, YOLO26", goldens: ["end-to-end"]),
    Head(
      title: "end to end: YOLOv7, DetectionOutput", goldens: ["detection-output", "end-to-end-7"]),
    Head(title: "TensorFlow's SSD", goldens: ["tensorflow-ssd"]),
    Head(
      title: "SSD with anchors in an output or a constant",
      goldens: ["ssd-anchor-output", "ssd-initializer"]),
    Head(title: "DETR", goldens: ["detr"]),
    Head(title: "SCRFD", goldens: ["scrfd"]),
    Head(title: "YuNet", goldens: ["yunet"]),
    Head(title: "RetinaFace", goldens: ["retinaface"]),
    Head(title: "YOLOv5-face", goldens: ["yolov5-face"]),
  ]

  private static let engine = Engine()
  private static let targets = [
    [LabelledBox(box: Box(left: 8, top: 10, right: 40, bottom: 50), classIndex: 0)]
  ]

  /// What was found out of one network.
  private struct Findings {
    var isRecognised = false
    var isDecoded = false
    var isTrained = false
    var takesClasses = false
  }

  private func findings(_ golden: HeadGolden) throws -> Findings {
    var result = Findings()
    let plain = try? DetectorReading(golden.graph, engine: Self.engine)
    if let plain {
      result.isRecognised =
        (try? golden.difference(golden.found(plain.configuration))) == .some(nil)
    }
    let settings = try golden.example.map { try HeadSettings.load($0) } ?? HeadSettings()
    let reading = try DetectorReading(golden.graph, settings: settings, engine: Self.engine)
    result.isDecoded = try golden.difference(golden.found(reading.configuration)) == nil
    result.isTrained = try gradient(golden.graph, reading.configuration).map { $0 > 0 } ?? false
    var adaptation = ModelAdaptation(golden.graph, head: settings, engine: Self.engine)
    if (try? adaptation.replaceClasses(["dog", "eel"], seed: 1)) != nil {
      let replaced = try DetectorReading(adaptation.graph, engine: Self.engine).configuration
      result.takesClasses =
        try replaced.classes == ["dog", "eel"]
        && gradient(adaptation.graph, replaced).map { $0 > 0 } ?? false
      _ = try HeadGolden.outputs(adaptation.graph)
    }
    return result
  }

  /// The largest element of the gradient of the loss of a head; `nil` without one.
  private func gradient(_ graph: Graph, _ configuration: HeadConfiguration) throws -> Float? {
    let size = HeadGolden.size
    guard
      let head = try? RawHead.find(
        in: graph, configuration: configuration, height: size, width: size, registry: .standard)
    else { return nil }
    let loss = try head.loss()
    let names = TrainableParameter.all(in: graph, registry: .standard).map(\.name)
    let step = try TrainingStep(
      graph, taps: head.taps, parameters: names,
      options: .init(batchSize: 1, imageSize: (size, size), engine: Self.engine))
    for (index, value) in HeadGolden.image.floats.enumerated() { step.images[index] = value }
    try step.forward()
    let value = loss.evaluate(step.maps, targets: Self.targets, pool: ThreadPool(threads: 1))
    try step.backward()
    #expect(value.total.isFinite && value.total > 0)
    let largest = step.parameters.indices.compactMap { step.gradient(of: $0)?.map(abs).max() }.max()
    #expect(largest?.isFinite == true)
    return largest
  }

  /// A mark for all of the forms, the file for what needs one, a dash for none.
  private func line(_ head: Head) throws -> String {
    let goldens = try head.goldens.map { try HeadGolden($0) }
    let found = try goldens.map(findings)
    let recognised = zip(goldens, found).map { golden, found in
      found.isRecognised
        ? "yes" : golden.example == nil ? "–" : "by [file](Examples/heads/\(golden.name).yaml)"
    }
    func mark(_ property: (Findings) -> Bool) -> String {
      found.allSatisfy(property) ? "yes" : found.contains(where: property) ? "in part" : "–"
    }
    let known = Set(recognised).count == 1 ? recognised[0] : recognised.joined(separator: ", ")
    return "| \(head.title) | \(known) | \(mark(\.isDecoded)) | \(mark(\.isTrained)) "
      + "| \(mark(\.takesClasses)) |"
  }

  @Test func everyGoldenIsInTheTable() throws {
    let names = Set(try #require(HeadGolden.index).keys)
    #expect(Set(Self.heads.flatMap(\.goldens)) == names)
    let families = Set(
      try names.map { name in
        let golden = try HeadGolden(name)
        let settings = try golden.example.map { try HeadSettings.load($0) } ?? HeadSettings()
        return try DetectorReading(golden.graph, settings: settings, engine: Self.engine)
          .configuration.family
      })
    #expect(families == Set(HeadFamily.all.map(\.name)))
  }

  @Test func theReadmeSaysWhatCanBeDone() throws {
    let table =
      (["| head | recognised | decoded | trained | classes replaced |", "|---|---|---|---|---|"]
      + (try Self.heads.map(line))).joined(separator: "\n")
    let file = SharedAssets.package.appending(path: "README.md")
    let text = try String(contentsOf: file, encoding: .utf8)
    let (first, last) = ("<!-- heads -->\n", "\n<!-- end of heads -->")
    let start = try #require(text.range(of: first)).upperBound
    let end = try #require(text.range(of: last)).lowerBound
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      let updated = text.replacingCharacters(in: start..<end, with: table)
      try updated.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    #expect(text[start..<end] == table)
  }
}
