import Evidence
import Execution
import Foundation
import Formats
import Reports

/// Times a model in a process of its own, so that nothing else counts towards its memory.
struct ProcessTimer: ModelTimer {
  /// What the model's inputs are given.
  let inputs: InputOptions

  func time(_ model: ModelArtifact, engine: Engine) throws -> ModelEvidence.Measured? {
    let process = ChildProcess.process(
      ["benchmark"] + (model.isEmbedded ? [] : [model.url.path]) + ["--format", "json", "--quiet"]
        + ["--threads", "\(engine.threads)"] + inputs.words(for: model.stored))
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try Interruption.start(process)
    let result = output.fileHandleForReading.readDataToEndOfFile()
    let reason = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    Interruption.wait(for: process)
    guard process.terminationStatus == 0,
      let timing = try? JSONFile.decoder().decode(Timing.self, from: result)
    else {
      engine.progress.warning(
        "\(model.name) cannot be timed: \(reason.trimmingCharacters(in: .whitespacesAndNewlines))")
      return nil
    }
    return .init(
      latencyMedian: timing.latency.median, latencyP90: timing.latency.p90,
      peakMemoryBytes: timing.peakMemoryBytes)
  }

  private struct Timing: Decodable {
    var latency: LatencyStatistics
    var peakMemoryBytes: Int
  }
}
