import Foundation
import Reports
import Testing

/// Sweeps: the baseline takes part, sizes tell models apart, noise has no front.
@Suite struct SweepReportTests {
  private static func model(
    _ name: String, ap: Double, file: Int = 4_000_000, gzip: Int, latency: Double = 10
  ) -> ModelEvidence {
    var model = FixedReport.model(name, nonzeros: 500, accuracy: ["AP": ap])
    (model.fileBytes, model.gzipBytes) = (file, gzip)
    model.measured = .init(latencyMedian: latency, latencyP90: 1.05 * latency, peakMemoryBytes: 1)
    return model
  }

  private static func report(_ models: [(String, ModelEvidence)]) -> SweepReport {
    SweepReport(
      title: "sweep", baseline: model("base", ap: 0.5, gzip: 3_600_000),
      points: models.map {
        .init(settings: [.init(name: "prune.sparsity", value: $0.0)], seed: 0, model: $0.1)
      }, failures: [], manifest: FixedReport.manifest)
  }

  private static func text(_ report: SweepReport, _ name: String) throws -> String {
    let files = try report.files()
    let file = try #require(files.first { $0.name == name })
    return String(decoding: file.content, as: UTF8.self)
  }

  @Test func theBaselineIsARowAndMayBeOnTheFront() throws {
    let report = Self.report([
      ("0.5", Self.model("a", ap: 0.4, gzip: 2_000_000)),
      ("0.9", Self.model("b", ap: 0.1, gzip: 900_000)),
    ])
    let rows = try Self.text(report, "sweep.csv").components(separatedBy: "\r\n")
    #expect(rows[0].contains("gzip_bytes_mean"))
    #expect(rows[1].hasPrefix("base,1,0.500000,") && rows[1].hasSuffix(",1"))
    #expect(rows[2].hasPrefix("0.5,1,0.400000,") && rows[2].hasSuffix(",1"))
    // Better and smaller than the baseline: it is beaten.
    let better = Self.report([("0.5", Self.model("a", ap: 0.6, gzip: 2_000_000))])
    let beaten = try Self.text(better, "sweep.csv").components(separatedBy: "\r\n")
    #expect(beaten[1].hasPrefix("base,") && beaten[1].hasSuffix(",0"))
    #expect(try Self.text(report, "sweep.md").contains("gzip (MB)"))
    #expect(try Self.text(report, "sweep.tex").contains("gzip (MB)"))
  }

  @Test func denseFilesAreToldApartByWhatGzipMakesOfThem() throws {
    let zeros = Self.report([("0.5", Self.model("a", ap: 0.4, gzip: 2_000_000))])
    #expect(try Self.text(zeros, "figures/sweep-size.svg").contains("file size after gzip (MB)"))
    let small = Self.report([
      ("0.5", Self.model("a", ap: 0.4, file: 2_000_000, gzip: 1_900_000))
    ])
    #expect(try Self.text(small, "figures/sweep-size.svg").contains("file size (MB)"))
  }

  @Test func latenciesWithinNoiseHaveNoFront() throws {
    let near = Self.report([("0.5", Self.model("a", ap: 0.4, gzip: 9, latency: 9.8))])
    let figure = try Self.text(near, "figures/sweep-latency.svg")
    #expect(figure.contains("no front: all lie within what varies between runs"))
    #expect(!figure.contains("on the Pareto front"))
    let far = Self.report([("0.5", Self.model("a", ap: 0.4, gzip: 9, latency: 5))])
    #expect(try Self.text(far, "figures/sweep-latency.svg").contains("on the Pareto front"))
  }
}
