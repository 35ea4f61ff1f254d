import Foundation

/// What came of all inputs, by kind.
package struct FuzzCounts {
  package init() {}

  /// One row of the table.
  package struct Row {
    package var inputs = 0
    var accepted = 0
    var refused = 0
    var signals = 0
    var overMemory = 0
    var timeouts = 0
    /// Errors that do not name the file, and exit statuses that are not documented.
    var unnamed = 0
    var undocumented = 0

    /// Whether nothing went wrong.
    package var isClean: Bool {
      signals + overMemory + timeouts + unnamed + undocumented == 0
    }
  }

  private(set) var rows = [Row](repeating: Row(), count: FuzzKind.allCases.count)

  /// The row of a kind.
  subscript(_ kind: FuzzKind) -> Row {
    get { rows[FuzzKind.allCases.firstIndex(of: kind) ?? 0] }
    set { rows[FuzzKind.allCases.firstIndex(of: kind) ?? 0] = newValue }
  }

  /// All rows together.
  package var total: Row {
    rows.reduce(into: Row()) { sum, row in
      sum.inputs += row.inputs
      sum.accepted += row.accepted
      sum.refused += row.refused
      sum.signals += row.signals
      sum.overMemory += row.overMemory
      sum.timeouts += row.timeouts
      sum.unnamed += row.unnamed
      sum.undocumented += row.undocumented
    }
  }

  /// Adds what a worker counted.
  package mutating func add(_ state: FuzzState) {
    for index in rows.indices {
      rows[index].accepted += state.accepted[index]
      rows[index].refused += state.refused[index]
      rows[index].inputs += state.accepted[index] + state.refused[index]
    }
  }

  /// The table in Markdown.
  package func table(isThroughBinary: Bool) -> String {
    var names = ["inputs", "accepted", "refused", "signals", "over 1 GB", "time-outs"]
    if isThroughBinary { names += ["without the file's name", "other exit status"] }
    var lines = ["| kind | " + names.joined(separator: " | ") + " |"]
    lines.append("|---" + String(repeating: "|--:", count: names.count) + "|")
    func line(_ name: String, _ row: Row) -> String {
      var numbers = [
        row.inputs, row.accepted, row.refused, row.signals, row.overMemory, row.timeouts,
      ]
      if isThroughBinary { numbers += [row.unnamed, row.undocumented] }
      return "| \(name) | " + numbers.map(String.init).joined(separator: " | ") + " |"
    }
    for (kind, row) in zip(FuzzKind.allCases, rows) where row.inputs > 0 {
      lines.append(line(kind.rawValue, row))
    }
    return (lines + [line("all", total)]).joined(separator: "\n")
  }
}
