import Foundation
import ObjectDetection
import TestSupport
import Testing

/// The YAML of `--head`.
@Suite struct HeadSettingsTests {
  private static let document: String = {
    let url = SharedAssets.package.appending(path: "Documentation/DetectionHeads.md")
    return (try? String(contentsOf: url, encoding: .utf8)) ?? ""
  }()

  /// The YAML blocks of the documentation.
  static let examples: [String] = document.components(separatedBy: "```yaml\n").dropFirst().map {
    $0.components(separatedBy: "```")[0]
  }

  @Test(arguments: examples)
  func documentedExamplesAreRead(_ example: String) throws {
    let settings = try HeadSettings.parse(example, file: "DetectionHeads.md")
    #expect(settings.classes?.isEmpty == false)
    guard settings.family != nil else { return }
    var configuration = HeadConfiguration(family: "", classes: [])
    settings.apply(to: &configuration)
    #expect(configuration.family == settings.family)
    #expect(settings.preprocessing?.std != nil && settings.confidence != nil)
    // What a configuration prints is what it reads.
    let again = try HeadSettings.parse(configuration.yaml(), file: "printed")
    var copy = HeadConfiguration(family: "", classes: [])
    again.apply(to: &copy)
    #expect(copy == configuration)
  }

  @Test func everyFamilyAndKeyIsDocumented() throws {
    let families = Self.examples.compactMap {
      try? HeadSettings.parse($0, file: "DetectionHeads.md").family
    }
    #expect(Set(families) == Set(HeadFamily.all.map(\.name)))
    let printed = try HeadConfiguration(family: "yolov5", classes: ["a"]).yaml()
    for line in printed.split(separator: "\n") where !line.hasPrefix(" ") && !line.hasPrefix("-") {
      let key = String(line.prefix { $0 != ":" })
      #expect(Self.document.contains("`\(key)"), "\(key)")
    }
  }

  struct Mistake: Sendable {
    var yaml: String
    var line: Int?
    var words: [String]
  }

  @Test(arguments: [
    Mistake(yaml: "family: yolov8\nclases: [a]", line: 2, words: ["clases", "'classes'"]),
    Mistake(
      yaml: "family: yolov8\npreprocessing:\n  fit: stretch\n  ordr: RGB", line: 4,
      words: ["preprocessing.ordr", "'order'"]),
    Mistake(yaml: "\n\nfamily: yolov9", line: 3, words: ["yolov9", "yolov8"]),
    Mistake(yaml: "iou: 0.5\nconfidence: high", line: 2, words: ["confidence"]),
    Mistake(yaml: "confidence: 1.5", line: 1, words: ["confidence", "between 0 and 1"]),
    Mistake(yaml: "strides: [8, 0]", line: 1, words: ["strides"]),
    Mistake(
      yaml: "strides: [8, 16]\nanchors: [[[1, 2]]]", line: 2, words: ["anchors", "2 strides"]),
    Mistake(yaml: "anchors: [[[1, 2, 3]]]", line: 1, words: ["anchors", "[width, height]"]),
    Mistake(
      yaml: "preprocessing:\n  mean: [0]\n  std: [1, 0, 1]", line: 3,
      words: ["preprocessing.std"]),
    Mistake(yaml: "preprocessing:\n  fit: squash", line: 2, words: ["preprocessing.fit"]),
    Mistake(yaml: "preprocessing:\n  pad: 300", line: 2, words: ["pad", "255"]),
    Mistake(yaml: "maxDetections: 0", line: 1, words: ["maxDetections"]),
    Mistake(yaml: "classes: []", line: 1, words: ["classes"]),
    Mistake(yaml: "iou: 0.5\niou: 0.6", line: nil, words: ["iou"]),
    Mistake(yaml: "classes: [a\niou: 1", line: 2, words: ["YAML"]),
    Mistake(yaml: "just text", line: 1, words: ["key: value"]),
    Mistake(yaml: "- a\n- b", line: 1, words: ["key: value"]),
  ])
  func mistakesNameKeyAndLine(_ mistake: Mistake) {
    #expect {
      try HeadSettings.parse(mistake.yaml, file: "head.yaml")
    } throws: { error in
      let text = "\(error)"
      let place = mistake.line.map { "head.yaml: line \($0): " } ?? "head.yaml: "
      return text.hasPrefix(place) && mistake.words.allSatisfy(text.contains)
    }
  }

  @Test func emptyFilesChangeNothing() throws {
    #expect(try HeadSettings.parse("", file: "e") == HeadSettings())
    #expect(try HeadSettings.parse("# nothing\n", file: "e") == HeadSettings())
  }

  @Test func mutatedFilesEndInSettingsOrInAnError() throws {
    var random = SplitMix64(seed: 5)
    for example in Self.examples {
      for _ in 0..<60 {
        let text = String(decoding: mutated(Data(example.utf8), &random), as: UTF8.self)
        do {
          _ = try HeadSettings.parse(text, file: "head.yaml")
        } catch {
          #expect(error is HeadError && "\(error)".contains("head.yaml"))
        }
      }
    }
  }
}
