extension ReportFigure {
  /// mAP against the median time of one image; varies between runs.
  static let accuracyVersusLatency = ReportFigure(
    name: "accuracy-latency",
    caption: "Accuracy against the median latency of one image; measured, varies between runs."
  ) { report in
    let threads = report.manifest.threads
    return report.tradeOff(
      "Accuracy against latency",
      "latency, median of one image (ms, \(threads) \(threads == 1 ? "thread" : "threads"))",
      noise: ModelEvidence.latencyNoise(report.models)
    ) { $0.measured?.latencyMedian }
  }
}
