import ArgumentParser

/// Whether and where a report is written.
struct ComparisonOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Fill a folder with the comparison of before and after, timed and measured.",
      valueName: "folder"), completion: .directory)
  var report: String?

  @Flag(help: "Leave latency and peak memory out of the report.")
  var noTiming = false
}
