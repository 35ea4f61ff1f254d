extension ReportFigure {
  /// mAP against multiply–accumulates.
  static let accuracyVersusMACs = ReportFigure(
    name: "accuracy-macs",
    caption: "Accuracy against multiply–accumulates of one image (FLOPs = 2 × MACs)."
  ) {
    $0.tradeOff("Accuracy against MACs", "MACs of one image (millions)") { Double($0.macs) / 1e6 }
  }
}
