/// Columns of text, aligned.
struct Table {
  /// How a column's cells stand.
  enum Alignment { case left, right }

  private var columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  /// A table with the given columns.
  init(_ columns: [(String, Alignment)]) {
    self.columns = columns.map { (title: $0.0, alignment: $0.1) }
  }

  /// Appends a row; missing cells stay empty.
  mutating func append(_ cells: [String]) { rows.append(cells) }

  /// The table with a header, columns two spaces apart.
  var text: String {
    let widths = columns.indices.map { column in
      ([columns[column].title] + rows.map { $0.indices.contains(column) ? $0[column] : "" })
        .map(\.count).max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      let padded = columns.indices.map { column in
        let cell = cells.indices.contains(column) ? cells[column] : ""
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return columns[column].alignment == .left ? cell + space : space + cell
      }
      var text = padded.joined(separator: "  ")
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
    return ([columns.map(\.title)] + rows).map(line).joined(separator: "\n")
  }
}
