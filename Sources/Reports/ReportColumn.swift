/// One quantity of the comparison table: its name, its value and its style.
public struct ReportColumn: Sendable {
  /// The heading, with the unit.
  public var title: String
  /// The key in the CSV file.
  public var key: String
  /// Whether the value is measured and varies between runs.
  public var isMeasured: Bool
  /// The value of a model, `nil` when unknown.
  public var value: @Sendable (ModelEvidence) -> Double?
  /// The style of the value in tables for people.
  public var style: NumberStyle

  /// Whether the change against the baseline is a difference (accuracy) rather than a ratio (cost).
  public var isDifference: Bool { style == .metric || style == .percent }

  /// Costs of a model that follow from its file alone, then measured ones, then accuracy.
  public static let all: [ReportColumn] = costs + measured + accuracy + deployed

  static let costs: [ReportColumn] = [
    .init("parameters", "parameters", .count) { Double($0.parameters) },
    .init("nonzero", "nonzeros", .count) { Double($0.nonzeros) },
    .init("sparsity (zeros of all parameters)", "sparsity", .percent) { $0.sparsity },
    .init("MACs", "macs", .count) { Double($0.macs) },
    .init("FLOPs (2 × MACs)", "flops", .count) { Double($0.flops) },
    .init("file (MB)", "file_bytes", .megabytes) { Double($0.fileBytes) },
    .init("file, gzip (MB)", "gzip_bytes", .megabytes) { Double($0.gzipBytes) },
    .init("bits per parameter", "bits_per_parameter", .bits) {
      $0.storedWeightBits > 0 ? $0.bitsPerParameter : nil
    },
    .init("activations at their peak (MB)", "peak_activation_bytes", .megabytes) {
      $0.peakActivationBytes > 0 ? Double($0.peakActivationBytes) : nil
    },
    .init("energy of an image (mJ, estimated)", "energy_mj", .millijoules) {
      $0.energy?.millijoules
    },
  ]

  static let measured: [ReportColumn] = [
    .init("latency, median (ms)", "latency_median_ms", .milliseconds, isMeasured: true) {
      $0.measured?.latencyMedian
    },
    .init("latency, p90 (ms)", "latency_p90_ms", .milliseconds, isMeasured: true) {
      $0.measured?.latencyP90
    },
    .init("throughput (images/s)", "throughput_per_s", .rate, isMeasured: true) {
      $0.measured?.throughput
    },
    .init("peak memory (MB)", "peak_memory_bytes", .megabytes, isMeasured: true) {
      $0.measured.map { Double($0.peakMemoryBytes) }
    },
  ]

  static let accuracy: [ReportColumn] = [
    "AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR_1", "AR_10", "AR_100", "AR_S", "AR_M",
    "AR_L",
  ].map { name in
    .init(name == "AP" ? "mAP (AP .50:.95)" : name, name, .metric) { $0.accuracy?[name] }
  }

  static let deployed: [ReportColumn] = [
    .init("mAP, lower end of 95 %", "AP_low", .metric) { $0.apInterval?.low },
    .init("mAP, upper end of 95 %", "AP_high", .metric) { $0.apInterval?.high },
    .init("confidence when deployed", "deployed_confidence", .bits) { $0.deployed?.confidence },
    .init("recall when deployed", "deployed_recall", .metric) { $0.deployed?.recall },
    .init("precision when deployed", "deployed_precision", .metric) { $0.deployed?.precision },
    .init("missed when deployed (false negatives)", "deployed_fnr", .metric) {
      $0.deployed?.falseNegativeRate
    },
  ]

  /// The columns of tables with one row for each model.
  static let chief: [ReportColumn] = all.filter {
    ["parameters", "macs", "file_bytes", "latency_median_ms", "AP", "AP50"].contains($0.key)
  }

  private init(
    _ title: String, _ key: String, _ style: NumberStyle, isMeasured: Bool = false,
    value: @escaping @Sendable (ModelEvidence) -> Double?
  ) {
    self.title = title
    self.key = key
    self.style = style
    self.isMeasured = isMeasured
    self.value = value
  }
}
