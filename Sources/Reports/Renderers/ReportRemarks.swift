extension ComparisonReport {
  /// The quantities that are known of at least one model.
  var columns: [ReportColumn] {
    ReportColumn.all.filter { column in models.contains { column.value($0) != nil } }
  }

  /// Remarks for readers of the tables, a sentence each.
  var remarks: [String] {
    var remarks: [String] = []
    if models.contains(where: { $0.measured != nil }) {
      remarks.append(
        "\\* measured in a process of its own on \(manifest.threads) "
          + "\(manifest.threads == 1 ? "thread" : "threads") of \(manifest.cpu), the best of three rounds in turn; "
          + "varies with the machine and its load.")
    }
    remarks.append("Sizes in MB = 10⁶ bytes. A dash marks what was not or could not be measured.")
    if models.contains(where: { $0.energy != nil }) { remarks.append(EnergyEstimate.assumption) }
    if let point = models.compactMap(\.deployed).first {
      remarks.append(
        "Deployed: boxes from confidence \(point.confidence) on, right from IoU .50 on, all classes together."
      )
    }
    return remarks
  }
}

extension ReportColumn {
  /// The title, with an asterisk where the value is measured.
  var heading: String { title + (isMeasured ? " \\*" : "") }
}
