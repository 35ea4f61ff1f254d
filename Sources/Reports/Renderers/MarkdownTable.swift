/// A Markdown table whose columns line up in the source as well.
struct MarkdownTable {
  /// The alignment of a column's cells.
  enum Alignment { case left, right }

  private var columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  /// A table without rows.
  init(_ columns: [(String, Alignment)]) {
    self.columns = columns.map { (title: Self.escaped($0.0), alignment: $0.1) }
  }

  /// Appends a row with one cell for each column.
  mutating func append(_ cells: [String]) { rows.append(cells.map(Self.escaped)) }

  /// The table.
  var text: String {
    let titles = columns.map(\.title)
    let widths = columns.indices.map { column in
      max(3, ([titles] + rows).map { $0[column].count }.max() ?? 0)
    }
    func line(_ cells: [String]) -> String {
      let padded = columns.indices.map { column in
        let space = String(repeating: " ", count: widths[column] - cells[column].count)
        return columns[column].alignment == .left ? cells[column] + space : space + cells[column]
      }
      return "| " + padded.joined(separator: " | ") + " |"
    }
    let rule = columns.indices.map { column in
      let dashes = String(repeating: "-", count: widths[column] - 1)
      return columns[column].alignment == .left ? dashes + "-" : dashes + ":"
    }
    return ([titles, rule] + rows).map(line).joined(separator: "\n")
  }

  /// The text with characters escaped that would end a cell.
  static func escaped(_ text: String) -> String {
    text.replacing("|", with: "\\|").replacing("\n", with: " ")
  }
}
