import ArgumentParser
import Execution
import Foundation
import GraphIR
import Logging
import ObjectDetection
import Tensors

/// Which images to look at, and how to read boxes off the network's outputs.
struct DetectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Head family, or a YAML file with head and preprocessing settings.",
      discussion: "'auto' recognises the family from the graph and says why."))
  var head = "auto"

  @Option(help: "Lowest confidence a box needs. (default: the head family's for evaluation)")
  var confidence: Float?

  @Option(
    help:
      "Overlap above which the weaker of two boxes of a class is dropped. (default: the head family's)"
  )
  var iou: Float?

  @Option(help: "Most boxes kept in an image. (default: the head family's)")
  var maxDetections: Int?

  @OptionGroup(title: "Preprocessing") var preprocessing: PreprocessingOptions
  @OptionGroup(title: "Input") var inputs: InputOptions

  mutating func validate() throws {
    for (flag, value) in [("--confidence", confidence), ("--iou", iou)] {
      if let value, !(0...1).contains(value) {
        throw ValidationError("\(flag) must lie between 0 and 1, found \(value).")
      }
    }
    try NumberRange.counts.check(("--max-detections", maxDetections))
    _ = try parsedShapes()
  }

  /// The shapes given for dynamic inputs, by input name.
  func parsedShapes() throws -> [String: [Int]] { try inputs.parsedShapes() }

  /// The file of settings that is named; `nil` for a family.
  var file: String? { head == "auto" || HeadFamily.named(head) != nil ? nil : head }

  /// What the options say of the head.
  func settings() throws -> HeadSettings {
    var settings = HeadSettings()
    if HeadFamily.named(head) != nil {
      settings.family = head
    } else if head != "auto" {
      settings = try HeadSettings.load(URL(filePath: head))
    }
    if let confidence { settings.confidence = Double(confidence) }
    if let iou { settings.iou = Double(iou) }
    if let maxDetections { settings.maxDetections = maxDetections }
    settings.preprocessing = preprocessing.settings(settings.preprocessing)
    return settings
  }

  /// How networks are run under the options.
  func engine(_ common: CommonOptions) throws -> Engine {
    Engine(
      threads: common.threadCount, inputShapes: try parsedShapes(),
      progress: ConsoleProgress(common))
  }
}

/// Reads `NAME=1x3x320x320`.
enum InputShapes {
  /// The shapes by input name.
  static func parse(_ texts: [String]) throws -> [String: [Int]] {
    var shapes: [String: [Int]] = [:]
    for text in texts {
      let place = text.lastIndex(of: "=") ?? text.startIndex
      let extents = text[place...].dropFirst().split(
        separator: "x", omittingEmptySubsequences: false
      ).map { Int($0) }
      let known = extents.compactMap { $0 }.filter { $0 > 0 }
      guard place != text.startIndex, !known.isEmpty, known.count == extents.count else {
        throw ValidationError(
          "--input-shape takes NAME=1x3x320x320, or 320x320 for images, found '\(text)'.")
      }
      do { _ = try TensorType(checking: .float32, known) } catch {
        throw ValidationError("--input-shape \(text): \(error).")
      }
      shapes[String(text[..<place])] = known
    }
    return shapes
  }

  /// Says which inputs of a dynamic batch are taken to hold one image.
  static func announce(_ graph: Graph, given: [String: [Int]], log: Logger) {
    for input in graph.requiredInputs where given[input.name] == nil {
      guard case .tensor(_, let declared?) = input.type, let batch = declared.first,
        (batch.extent ?? 0) <= 0
      else { continue }
      let rest = declared.dropFirst().compactMap(\.extent)
      guard rest.count == declared.count - 1 else { continue }
      let example = ([4] + rest).map(String.init).joined(separator: "x")
      log.notice(
        "input '\(input.name)' takes any batch; taken as 1 (another: --input-shape \(input.name)=\(example))"
      )
    }
  }
}
