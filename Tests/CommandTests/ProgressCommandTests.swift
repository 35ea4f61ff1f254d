import Foundation
import TestSupport
import Testing

/// What long work says in a log, where nothing can be drawn again.
@Suite struct ProgressCommandTests {
  private let model = SharedAssets.package.appending(path: "Sources/CEmbedded/default.onnx").path

  /// Calibrates long enough for a line, on drawn images.
  private func quantize(_ words: [String]) throws -> Binary.Outcome {
    try Binary.run(
      [
        "quantize", model, "--calib", "dead-leaves", "--calib-count", "1500", "--threads", "1",
        "--max-damage", "inf", "--bias-correction", "none", "--dry-run",
      ] + words)
  }

  @Test func longWorkSaysOnceHowLongItTakes() throws {
    let start = ContinuousClock.now
    let outcome = try quantize([])
    let took = (ContinuousClock.now - start) / .seconds(1)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("calibrating: ") }
    #expect(took < 6 || lines.count == 1, "\(took) s: \(outcome.errors)")
    for line in lines {
      #expect(line.wholeMatch(of: /calibrating: \d+ of 1500 images, \d+ (s|min) left/) != nil)
    }
    #expect(!outcome.errors.contains("\u{1B}"))
  }

  @Test func quietWorkSaysNothing() throws {
    let outcome = try quantize(["--quiet"])
    #expect(outcome.status == 0 && !outcome.errors.contains(" left"), "\(outcome.errors)")
  }
}
