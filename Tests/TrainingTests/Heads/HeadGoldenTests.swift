import Foundation
import GraphIR
import ObjectDetection
import Operators
import TestSupport
import Testing
import Execution

/// Heads of families and described ones against decoders that share nothing with the package.
@Suite struct HeadGoldenTests {
  static let examples =
    ((try? FileManager.default.contentsOfDirectory(
      atPath: SharedAssets.package.appending(path: "Examples/heads").path)) ?? [])
    .filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()

  @Test func everyExampleHasAGolden() throws {
    let names = Set(try #require(HeadGolden.index).keys)
    #expect(Self.examples.count >= 11 && names.isSuperset(of: Self.examples))
  }

  @Test(arguments: examples) func filesDescribeHeads(name: String) throws {
    let golden = try HeadGolden(name)
    let settings = try HeadSettings.load(try #require(golden.example))
    let reading = try DetectorReading(golden.graph, settings: settings, engine: Engine())
    #expect(reading.configuration.family == "described")
    #expect(golden.difference(try golden.found(reading.configuration)) == nil)
  }

  /// Those whose names and shapes say enough.
  @Test(arguments: [
    ("scrfd", "SCRFD"), ("yunet", "YuNet"), ("retinaface", "RetinaFace"),
    ("yolo-fastestv2", "Yolo-FastestV2"), ("tensorflow-ssd", "TensorFlow"),
    ("detection-output", "DetectionOutput"),
  ])
  func headsAreRecognisedWithoutAFile(name: String, reason: String) throws {
    let golden = try HeadGolden(name)
    let reading = try DetectorReading(golden.graph, engine: Engine())
    #expect(reading.configuration.family == "described")
    #expect(reading.reasons.joined().contains(reason))
    #expect(golden.difference(try golden.found(reading.configuration)) == nil)
  }

  @Test func detrIsRecognisedByNames() throws {
    var graph = try HeadGolden("detr").graph
    let names = (0..<80).map { "\($0): 'n\($0)'" }.joined(separator: ", ")
    graph.properties.metadata["names"] = "{\(names)}"
    let reading = try DetectorReading(graph, engine: Engine())
    #expect(reading.configuration.layout?.background == .last)
    #expect(reading.configuration.layout?.activation["classes"] == .softmax)
    #expect(reading.configuration.classes.count == 80)
  }

  @Test func anUnknownHeadIsAnsweredWithAFileToBegin() throws {
    let golden = try HeadGolden("ssd-anchor-output")
    do {
      _ = try DetectorReading(golden.graph, engine: Engine())
      Issue.record("it was recognised")
    } catch {
      let text = "\(error)"
      #expect(
        text.contains("{output: 'box_encodings', axes: [batch, boxes, fields], fields: [box]}"))
      let start = try #require(text.range(of: "family: described"))
      let end = try #require(text.range(of: "\n\nHead families are"))
      let skeleton = String(text[start.lowerBound..<end.lowerBound])
        .replacingOccurrences(of: "[name, …]", with: "[a]")
      // It is a file that can be read as it is.
      let settings = try HeadSettings.parse(skeleton, file: "skeleton.yaml")
      #expect(
        settings.layout?.outputs.map(\.output).sorted() == [
          "anchors", "box_encodings", "class_predictions",
        ])
    }
  }

  @Test(arguments: [
    (
      "{outputs: [{output: x, axes: [cells], fields: [bax]}], box: {fields: [cx, cy, w, h]}}",
      "'bax'"
    ),
    (
      "{outputs: [{output: x, axes: [lines], fields: [box]}], box: {fields: [cx, cy, w, h]}}",
      "'lines'"
    ),
    (
      "{outputs: [{output: x, axes: [boxes], fields: [box]}], box: {fields: [cx, cy, w]}}",
      "cx cy w h"
    ),
    (
      "{outputs: [{output: x, axes: [boxes], fields: [box]}], box: {fields: [cx, cy, w, h]}}",
      "classes"
    ),
    ("{outputs: [], box: {fields: [cx, cy, w, h]}}", "no output"),
    (
      "{outputs: [{output: x, axs: [boxes], fields: [box]}], box: {fields: [cx, cy, w, h]}}",
      "did you mean 'axes'"
    ),
    (
      "{outputs: [{output: x, axes: [boxes, fields], fields: [box, classes]}], "
        + "box: {fields: [cx, cy, w, h], coding: distances}}",
      "left right top bottom|bottom left right top"
    ),
  ])
  func mistakesInLayoutsAreNamed(layout: String, reason: String) {
    #expect {
      try HeadSettings.parse("classes: [a]\nlayout: \(layout)\n", file: "head.yaml")
    } throws: { error in
      reason.split(separator: "|").contains { "\(error)".contains($0) }
        && "\(error)".contains("line 2")
    }
  }

  @Test func shapesThatDoNotFitAreNamed() throws {
    let golden = try HeadGolden("yolov5-face")
    var settings = try HeadSettings.load(try #require(golden.example))
    settings.layout?.outputs[0].fields = ["box", "objectness", "ignore 8", "classes"]
    let reading = try DetectorReading(golden.graph, settings: settings, engine: Engine())
    #expect {
      try golden.found(reading.configuration)
    } throws: { "\($0)".contains("'output' should have 14 of fields on axis 2") }
  }
}
