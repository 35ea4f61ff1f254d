import Foundation

extension ReportRenderer {
  /// The report for people.
  static let markdown = ReportRenderer(file: "report.md") { report in
    Data(MarkdownReport(report).text.utf8)
  }
}

/// Lays a comparison out as Markdown tables.
struct MarkdownReport {
  private let report: ComparisonReport
  private var base: ModelEvidence { report.models[0] }

  init(_ report: ComparisonReport) { self.report = report }

  var text: String {
    let parts = [heading, comparison, classes, layers, provenance]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
  }

  private var heading: String {
    let title = "# \(MarkdownTable.escaped(report.title))"
    return ([title] + report.notes.map { "> **Note.** \($0)" }).joined(separator: "\n\n")
  }

  private var comparison: String {
    let others = report.models.dropFirst()
    var table = MarkdownTable(
      [("quantity", .left), (base.name, .right)]
        + others.flatMap { [($0.name, .right), ("change", .right)] })
    for column in ReportColumn.all where report.models.contains(where: { column.value($0) != nil })
    {
      var row = [
        column.title + (column.isMeasured ? " \\*" : ""), column.style.text(column.value(base)),
      ]
      for model in others {
        row.append(column.style.text(column.value(model)))
        row.append(column.style.change(column.value(model), from: column.value(base)))
      }
      table.append(row)
    }
    var remarks: [String] = []
    if report.models.contains(where: { $0.measured != nil }) {
      remarks.append(
        "\\* measured in a process of its own, the best of three rounds in turn; varies with the machine and its load."
      )
    }
    remarks.append("Sizes in MB = 10⁶ bytes. A dash marks what was not or could not be measured.")
    return "## Comparison\n\n\(table.text)\n\n" + remarks.joined(separator: "\n")
  }

  private var classes: String {
    var names: [(name: String, objects: Int)] = []
    var seen: Set<String> = []
    for score in report.models.flatMap(\.classes) where seen.insert(score.name).inserted {
      names.append((score.name, score.objects))
    }
    guard !names.isEmpty else { return "" }
    var table = MarkdownTable(
      [("class", .left), ("objects", .right)]
        + report.models.flatMap { [("AP \($0.name)", .right), ("AP50", .right)] })
    for (name, objects) in names {
      table.append(
        [name, "\(objects)"]
          + report.models.flatMap { model in
            let own = model.classes.first { $0.name == name }
            return [NumberStyle.metric.text(own?.ap), NumberStyle.metric.text(own?.ap50)]
          })
    }
    return section("Classes", table, count: names.count, of: "classes with labelled objects")
  }

  private var layers: String {
    let known = report.models.map { model in
      Dictionary(model.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    var rows: [ModelEvidence.Layer] = []
    var seen: Set<String> = []
    for layer in report.models.flatMap(\.layers) where seen.insert(layer.name).inserted {
      rows.append(layer)
    }
    guard !rows.isEmpty else { return "" }
    let isUniform = rows.allSatisfy { row in
      known.allSatisfy {
        $0[row.name]?.parameters == row.parameters && $0[row.name]?.macs == row.macs
      }
    }
    let table = isUniform ? sparsities(rows, known) : costs(rows, known)
    return section("Layers", table, count: rows.count, of: "layers")
  }

  /// Layers that cost the same in every model and differ in their zeros only.
  private func sparsities(
    _ rows: [ModelEvidence.Layer], _ known: [[String: ModelEvidence.Layer]]
  ) -> MarkdownTable {
    var table = MarkdownTable(
      [("layer", .left), ("operator", .left), ("parameters", .right), ("MACs", .right)]
        + report.models.map { ("sparsity \($0.name)", .right) })
    for row in rows {
      table.append(
        [
          row.name, row.opType, NumberStyle.count.text(Double(row.parameters)),
          NumberStyle.count.text(Double(row.macs)),
        ] + known.map { NumberStyle.percent.text($0[row.name]?.sparsity) })
    }
    return table
  }

  private func costs(
    _ rows: [ModelEvidence.Layer], _ known: [[String: ModelEvidence.Layer]]
  ) -> MarkdownTable {
    var table = MarkdownTable(
      [("layer", .left), ("operator", .left)]
        + report.models.flatMap {
          [("parameters \($0.name)", .right), ("sparsity", .right), ("MACs", .right)]
        })
    for row in rows {
      table.append(
        [row.name, row.opType]
          + known.flatMap { layers -> [String] in
            let layer = layers[row.name]
            return [
              NumberStyle.count.text(layer.map { Double($0.parameters) }),
              NumberStyle.percent.text(layer?.sparsity),
              NumberStyle.count.text(layer.map { Double($0.macs) }),
            ]
          })
    }
    return table
  }

  private var provenance: String {
    let m = report.manifest
    var lines = ["- compress \(m.version), seed \(m.seed), threads \(m.threads), \(m.cpu)"]
    if let data = m.data {
      lines.append(
        "- data: \(data.path) (\(data.format)), \(data.images) images, SHA-256 `\(data.sha256)`")
    }
    for (model, file) in zip(report.models, m.models) {
      lines.append("- \(model.name): \(file.path), SHA-256 `\(file.sha256)`")
      lines += model.settings.map { "  - \($0)" }
    }
    return "## Provenance\n\n```sh\n\(m.commandLine)\n```\n\n" + lines.joined(separator: "\n")
  }

  /// A section whose table is folded when it is long.
  private func section(
    _ title: String, _ table: MarkdownTable, count: Int, of things: String
  ) -> String {
    guard count > Self.longestOpenTable else { return "## \(title)\n\n\(table.text)" }
    return """
      ## \(title)

      <details>
      <summary>\(count) \(things)</summary>

      \(table.text)

      </details>
      """
  }

  private static let longestOpenTable = 12
}
