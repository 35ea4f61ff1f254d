import Reports
import Testing

@Suite struct PairedTestTests {
  private func report(_ after: [Double], ap: Double) -> ComparisonReport {
    var models = ["a", "b"].map {
      FixedReport.model($0, nonzeros: 1000, accuracy: ["AP": 0.5])
    }
    models[0].resampledAP = after.indices.map { 0.5 + 0.01 * Double($0 % 7 - 3) }
    models[1].resampledAP = zip(models[0].resampledAP, after).map { $0 + $1 }
    models[1].accuracy = ["AP": ap]
    return ComparisonReport(title: "t", models: models, manifest: FixedReport.manifest)
  }

  /// Each sample is worse by about 0.02, although the samples themselves vary by more than that.
  @Test func whatImagesHaveInCommonCancels() throws {
    let differences = (0..<100).map { -0.02 + 0.0001 * Double($0 % 11) }
    let test = try #require(report(differences, ap: 0.48).tests.first)
    #expect(!test.isWithinNoise)
    #expect(abs(test.pValue - 2.0 / 101) < 1e-12)
    #expect(test.interval.high < 0 && test.sentence.hasSuffix("a real loss"))
  }

  @Test func aDifferenceOfEitherSignIsNoise() throws {
    let differences = (0..<100).map { 0.001 * Double($0 % 11 - 4) }
    let test = try #require(report(differences, ap: 0.501).tests.first)
    #expect(test.isWithinNoise && test.pValue > 0.05)
    #expect(test.sentence.hasSuffix("within noise"))
  }

  @Test func withoutSamplesThereIsNoTest() { #expect(report([], ap: 0.5).tests.isEmpty) }

}

@Suite struct BootstrapIntervalTests {
  @Test func withoutBiasItIsTheMiddleOfTheSamples() {
    let ends = BootstrapInterval((0...1000).map(Double.init), around: 500).ends
    #expect(abs(ends.low - 25) < 1e-6 && abs(ends.high - 975) < 1e-6)
    #expect(BootstrapInterval([3], around: 3).ends == .init(low: 3, high: 3))
  }

  /// Against the formulas of Efron 1987 in Python's `statistics`.
  @Test func biasAndAccelerationMoveTheEnds() {
    let samples = (0..<1000).map { Double($0 * $0) / 1000 }
    let leftOut = (0..<50).map { 200 + 0.1 * Double(($0 % 10) * ($0 % 10)) }
    let ends = BootstrapInterval(samples, around: 200, leftOut: leftOut).ends
    #expect(abs(ends.low - 0.11907062565081772) < 1e-6)
    #expect(abs(ends.high - 901.0970700665431) < 1e-6)
  }

  /// An estimate beyond all samples has no bias that could be told.
  @Test func anEstimateOutsideLeavesTheMiddle() {
    let ends = BootstrapInterval((0...100).map(Double.init), around: 200).ends
    #expect(abs(ends.low - 2.5) < 1e-6 && abs(ends.high - 97.5) < 1e-6)
  }
}

@Suite struct EnergyEstimateTests {
  /// One million MACs of each width, against the sums of Horowitz's table.
  @Test func theTableIsHorowitzs() {
    func compute(_ width: EnergyEstimate.Width) -> Double {
      EnergyEstimate(macs: [width: 1_000_000], weightBits: 0, activationBytes: 0)
        .computeMillijoules
    }
    #expect(abs(compute(.float32) - 0.0046) < 1e-12)
    #expect(abs(compute(.float16) - 0.0015) < 1e-12)
    #expect(abs(compute(.int8) - 0.0003) < 1e-12)
    // 64 bits from DRAM and 8 bytes through the cache twice: 1300 + 200 pJ.
    let memory = EnergyEstimate(macs: [:], weightBits: 64, activationBytes: 8)
    #expect(abs(memory.memoryMillijoules - 1500e-9) < 1e-15)
    #expect(memory.millijoules == memory.memoryMillijoules)
  }
}
