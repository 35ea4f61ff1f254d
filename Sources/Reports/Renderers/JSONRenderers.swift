extension ReportRenderer {
  /// The whole report as JSON.
  static let json = ReportRenderer(file: "report.json") {
    try ComparisonReport.encoder.encode($0)
  }

  /// The models, data, commands and versions behind the report.
  static let manifest = ReportRenderer(file: "manifest.json") {
    try ComparisonReport.encoder.encode($0.manifest)
  }
}
