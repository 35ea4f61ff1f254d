import ArgumentParser
import Evidence
import Foundation

/// The command `compress` and its verbs.
@main
struct Compress: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Make object detectors small and fast enough for edge devices.",
    version: Version.text,
    subcommands: [
      Inspect.self,
      Evaluate.self,
      Detect.self,
      Benchmark.self,
      Train.self,
      PruneCommand.self,
      LowRankCommand.self,
      QuantizeCommand.self,
      DistillCommand.self,
      Report.self,
      RunCommand.self,
      SweepCommand.self,
      Compare.self,
      Convert.self,
      DatasetCommand.self,
    ])

  static func main() {
    Interruption.install()
    ChildProcess.followParent()
    // A limit on file sizes is an error of the write, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    let words = CommandWords(CommandLine.arguments.dropFirst()).joined
    let path = CommandPath(words.drop { $0 == "help" }, root: self)
    if let stranger = path.stranger {
      Exit.usage(VerbSpelling.fault(stranger, path: path.commands), of: path.commands)
    }
    if let request = HelpRequest(words, path: path.commands) {
      Console.result(request.text)
      Foundation.exit(ExitStatus.done.rawValue)
    }
    do {
      var command = try parseAsRoot(words)
      try command.run()
    } catch {
      Exit.with(error, path: path.commands)
    }
  }
}
