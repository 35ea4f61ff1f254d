import Foundation
import TestSupport
import Testing

/// Help texts are compared with `Tests/Goldens/Help`; `UPDATE_SNAPSHOTS=1 swift test …` writes them
/// again.
@Suite struct HelpTests {
  static let verbs = [
    "inspect", "evaluate", "detect", "benchmark", "train", "prune", "lowrank", "quantize",
    "distill", "report", "run", "sweep", "compare",
    "convert",
    "dataset", "dataset synth", "dataset pack", "dataset info",
  ]
  static let folder = SharedAssets.package.appending(path: "Tests/Goldens/Help")

  private static func help(_ verb: String, _ flag: String = "--help") throws -> Binary.Outcome {
    try Binary.run(verb.split(separator: " ").map(String.init) + [flag])
  }

  /// The command lines of a text, those that go on behind a backslash joined.
  private static func examples(_ text: String) -> [String] {
    text.replacing(#/ \\\n +/#, with: " ").split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }.filter {
      $0.hasPrefix("compress ") && !$0.contains("[options]") && !$0.contains("<")
        && $0.firstMatch(of: #/^compress( \w+)*: /#) == nil
    }
  }

  @Test(arguments: verbs + [""], ["-h", "--help"])
  func helpReadsAsCommitted(verb: String, flag: String) throws {
    let run = try Self.help(verb, flag)
    #expect(run.status == 0)
    #expect(run.errors.isEmpty)
    let name = verb.isEmpty ? "compress" : verb.replacing(" ", with: "-")
    let file = Self.folder.appending(path: name + (flag == "-h" ? "-short" : "") + ".txt")
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      try Data(run.output.utf8).write(to: file)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == run.output)
  }

  @Test func everyVerbIsListedAndHasAnExample() throws {
    let overview = try Self.help("").output
    let listed = overview.split(separator: "\n", omittingEmptySubsequences: false)
      .drop { $0 != "VERBS" }.dropFirst().prefix { !$0.isEmpty }
      .filter { !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(Set(Self.verbs.filter { !$0.contains(" ") }) == Set(listed))
    for verb in Self.verbs {
      let text = try Self.help(verb).output
      #expect(Self.examples(text).contains { $0.hasPrefix("compress \(verb)") }, "\(verb)")
    }
  }

  @Test(arguments: verbs + [""]) func theShortHelpIsShort(verb: String) throws {
    let text = try Self.help(verb, "-h").output
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 50, "\(lines.count) lines")
    let options = lines.drop { $0 != "MOST USED" }.prefix { !$0.isEmpty }.filter {
      $0.hasPrefix("  -")
    }
    #expect(options.count <= 6)
    let examples = Self.examples(text).filter { !$0.hasSuffix(" --help") }
    #expect((1...3).contains(examples.count))
    #expect(text.contains("\nUSAGE\n") && text.contains("--help"))
  }

  @Test(arguments: verbs + [""], ["-h", "--help"])
  func noLineIsLongerThanTheTerminal(verb: String, flag: String) throws {
    for line in try Self.help(verb, flag).output.split(separator: "\n") {
      #expect(line.count <= 80 || !line.contains(" --"), "\(line)")
    }
  }

  /// What the parser refuses ends with 64; here no file is there, which is 66.
  @Test(arguments: verbs) func everyExampleIsACommand(verb: String) throws {
    let folder = try TemporaryFolder()
    for example in Self.examples(try Self.help(verb).output)
    where example.contains(/\w\.(onnx|h5|yaml)|model-train|voc\//) {
      let words: [String] = example.split(separator: " ").dropFirst().map {
        String($0).replacing("'", with: "")
      }
      let run = try Binary.run(words, in: folder.url)
      #expect(run.status == 66, "\(example): \(run.errors)")
    }
  }

  @Test(arguments: verbs) func noDefaultIsThatOfAnotherVerb(verb: String) throws {
    let text = try Self.help(verb).output
    let words = text.split { $0.isWhitespace }.joined(separator: " ")
    #expect(words.matches(of: /\(default: [^)]*\) \([^)]*default: [^)]*\)/).map(\.output) == [])
    for match in words.matches(of: /\(default: ([^)]*)\)/).map({ String($0.1) }) {
      let others = Self.verbs.filter { $0 != verb && match.contains("for \($0)") }
      #expect(others.isEmpty, "\(match)")
    }
  }

  @Test func theVersionIsPrinted() throws {
    let run = try Binary.run(["--version"])
    #expect(run.status == 0)
    #expect(run.output.firstMatch(of: /^\d+\.\d+\.\d+\n$/) != nil)
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func completionsCoverTheVerbs(shell: String) throws {
    let run = try Binary.run(["--generate-completion-script", shell])
    #expect(run.status == 0)
    for word in ["prune", "report", "sparse-initializers", "magnitude"] {
      #expect(run.output.contains(word), "\(word)")
    }
  }

  @Test(arguments: [
    (["prunne", "m.onnx"], "Did you mean 'prune'?"),
    (["quantise", "m.onnx"], "Did you mean 'quantize'?"),
    (["qunatize"], "Did you mean 'quantize'?"), (["eval"], "Did you mean 'evaluate'?"),
    (["help", "bench"], "Did you mean 'benchmark'?"), (["predict"], "Did you mean 'detect'?"),
    (["dataset", "pakc"], "Did you mean 'pack'?"),
    (["zzzzzz"], "The verbs are inspect, evaluate,"),
    (["m.onnx"], "'m.onnx' is no verb; a verb comes first, as in: compress inspect m.onnx"),
  ])
  func aWordThatIsNoVerbIsTakenForTheNearest(words: [String], message: String) throws {
    let run = try Binary.run(words)
    #expect(run.status == 64)
    #expect(run.errors.contains(message), "\(run.errors)")
    #expect(run.output.isEmpty)
  }

  @Test func usageIsFolded() throws {
    let run = try Binary.run(["convert"])
    #expect(run.status == 64)
    #expect(run.errors.contains("Missing expected argument '--output <output>'"))
    #expect(run.errors.contains("  compress convert --output <output> [options] [<model>]\n"))
    #expect(run.errors.contains("compress convert -h says more"))
    #expect(run.errors.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }
}
