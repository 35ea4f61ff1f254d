extension ReportRenderer {
  /// The whole report as JSON.
  static let json = ReportRenderer(file: "report.json") {
    try ComparisonReport.encoder.encode($0)
  }

  /// What the figures can be traced back to.
  static let manifest = ReportRenderer(file: "manifest.json") {
    try ComparisonReport.encoder.encode($0.manifest)
  }
}
