import Reports

/// A comparison with every kind of value: present, absent, undefined, measured, awkward names.
enum FixedReport {
  static func model(
    _ name: String, nonzeros: Int, accuracy: [String: Double]?, head: String = "head a"
  ) -> ModelEvidence {
    var model = ModelEvidence(
      name: name, sha256: "c0ffee", fileBytes: 4_000_000, gzipBytes: nonzeros, parameters: 1_000,
      nonzeros: nonzeros, macs: 1_234_567,
      layers: [
        .init(
          name: "conv \"1\", a|b", opType: "Conv", parameters: 900, nonzeros: nonzeros - 100,
          macs: 1_234_567),
        .init(name: "norm", opType: "Mul", parameters: 100, nonzeros: 100, macs: 0),
      ])
    model.storedWeightBits = 32_000
    model.peakActivationBytes = 2_000_000
    model.energy = EnergyEstimate(
      macs: [.float32: 1_234_567], weightBits: 32_000, activationBytes: 4_000_000)
    model.accuracy = accuracy
    if accuracy != nil {
      model.settings = [head]
      model.classes = [.init(name: "cat", objects: 3, ap: 0.25, ap50: -1)]
    }
    return model
  }

  static var report: ComparisonReport {
    var before = model("a.onnx", nonzeros: 1_000, accuracy: ["AP": 0.5, "AP_S": -1])
    before.measured = .init(latencyMedian: 1.25, latencyP90: 1.5, peakMemoryBytes: 10_000_000)
    before.apInterval = .init(low: 0.48, high: 0.53)
    before.resampledAP = (0..<40).map { 0.48 + 0.001 * Double($0) }
    before.deployed = .init(confidence: 0.25, recall: 0.75, precision: 0.5)
    var after = model("b.onnx", nonzeros: 250, accuracy: ["AP": 0.375, "AP_S": -1])
    after.apInterval = .init(low: 0.355, high: 0.4)
    after.resampledAP = before.resampledAP.map { $0 - 0.12 }
    after.deployed = .init(confidence: 0.25, recall: 0.5, precision: 0.5)
    after.history = ["made by prune from the model of SHA-256 c0ffee"]
    return ComparisonReport(
      title: "A | B", models: [before, after], notes: ["Zeros weigh nothing."],
      manifest: manifest)
  }

  static var manifest: ReportManifest {
    ReportManifest(
      version: "1.2.3", command: ["compress", "report", "a.onnx", "it's b.onnx"], seed: 7,
      threads: 2, cpu: "a CPU",
      system: "a system",
      data: .init(path: "coco", format: "COCO", images: 2, sha256: "d0d0"),
      models: [
        .init(name: "a.onnx", path: "x/a.onnx", sha256: "c0ffee"),
        .init(name: "b.onnx", path: "x/b.onnx", sha256: "c0ffee"),
      ])
  }
}
