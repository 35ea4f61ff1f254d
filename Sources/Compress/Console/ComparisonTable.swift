import Reports

/// Models side by side on a terminal.
struct ComparisonTable {
  var models: [ModelEvidence]
  var titles: [String]

  /// Quantities downwards, models across, each with its change against the first.
  var text: String {
    var table = Table(
      [("", .left), (titles[0], .right)]
        + titles.dropFirst().flatMap { [($0, .right), ("change", .right)] })
    for column in ReportColumn.all where models.contains(where: { column.value($0) != nil }) {
      let base = column.value(models[0])
      table.append(
        [column.title, column.style.text(base)]
          + models.dropFirst().flatMap {
            [
              column.style.text(column.value($0)),
              column.style.change(column.value($0), from: base),
            ]
          })
    }
    return table.text + (models[0].sample.map { "\nscored on \($0.text)" } ?? "")
  }
}
