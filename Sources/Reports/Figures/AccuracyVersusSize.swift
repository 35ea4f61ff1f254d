extension ReportFigure {
  /// mAP against the bytes of the file.
  static let accuracyVersusSize = ReportFigure(
    name: "accuracy-size",
    caption: "Accuracy against file size; filled marks are on the Pareto front."
  ) {
    $0.tradeOff("Accuracy against size", "file size (MB)") { Double($0.fileBytes) / 1e6 }
  }
}
