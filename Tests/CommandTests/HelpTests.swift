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

  @Test(arguments: verbs + [""]) func helpReadsAsCommitted(verb: String) throws {
    let run = try Binary.run(verb.split(separator: " ").map(String.init) + ["--help"])
    #expect(run.status == 0)
    #expect(run.errors.isEmpty)
    let file = Self.folder.appending(
      path: (verb.isEmpty ? "compress" : verb.replacing(" ", with: "-")) + ".txt")
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      try Data(run.output.utf8).write(to: file)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == run.output)
  }

  @Test func everyVerbIsListedAndHasAnExample() throws {
    let overview = try Binary.run(["--help"]).output
    let listed = overview.split(separator: "\n").drop { !$0.hasPrefix("SUBCOMMANDS") }.dropFirst()
      .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(Set(Self.verbs.filter { !$0.contains(" ") }).isSubset(of: listed))
    for verb in listed where verb != "help" && verb != "See" {
      let text = try Binary.run([verb, "--help"]).output
      #expect(text.contains("EXAMPLE") && text.contains("compress \(verb) "), "\(verb)")
    }
  }

  @Test(arguments: verbs) func noDefaultIsPrintedTwice(verb: String) throws {
    let text = try Binary.run(verb.split(separator: " ").map(String.init) + ["--help"]).output
    let words = text.split { $0.isWhitespace }.joined(separator: " ")
    #expect(words.matches(of: /\(default: [^)]*\) \([^)]*default: [^)]*\)/).map(\.output) == [])
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
}
