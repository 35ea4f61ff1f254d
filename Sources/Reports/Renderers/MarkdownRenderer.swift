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
    let parts = [heading, comparison, certainty, figures, classes, layers, provenance]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
  }

  private var heading: String {
    let title = "# \(MarkdownTable.escaped(report.title))"
    return ([title] + report.notes.map { "> **Note.** \($0)" }).joined(separator: "\n\n")
  }

  private var comparison: String {
    let table = report.models.count <= Self.mostAcross ? quantitiesDown : modelsDown
    return "## Comparison\n\n\(table.text)\n\n" + report.remarks.joined(separator: "\n")
  }

  /// The largest number of models that are columns; more are rows.
  private static let mostAcross = 4

  private var quantitiesDown: MarkdownTable {
    let others = report.models.dropFirst()
    var table = MarkdownTable(
      [("quantity", .left), (base.name, .right)]
        + others.flatMap { [($0.name, .right), ("Δ", .right), ("Δ %", .right)] })
    for column in report.columns {
      var row = [column.heading, column.style.text(column.value(base))]
      for model in others {
        let (value, first) = (column.value(model), column.value(base))
        row += [
          column.style.text(value), column.style.difference(value, from: first),
          column.style.relative(value, from: first),
        ]
      }
      table.append(row)
    }
    return table
  }

  private var modelsDown: MarkdownTable {
    let columns = ReportColumn.chief.filter { column in
      report.models.contains { column.value($0) != nil }
    }
    var table = MarkdownTable(
      [("model", .left)] + columns.map { ($0.heading, .right) }
        + (base.accuracy == nil ? [] : [("Δ mAP", .right), ("noise?", .left)]))
    for (index, model) in report.models.enumerated() {
      var row = [model.name] + columns.map { $0.style.text($0.value(model)) }
      if base.accuracy != nil {
        row.append(
          index == 0
            ? "" : NumberStyle.metric.difference(model.accuracy?["AP"], from: base.accuracy?["AP"]))
        row.append(report.test(of: index).map { $0.isWithinNoise ? "within noise" : "" } ?? "")
      }
      table.append(row)
    }
    return table
  }

  private var certainty: String {
    guard let first = report.tests.first else { return "" }
    return "## Certainty\n\n" + report.tests.map { "- \($0.sentence)" }.joined(separator: "\n")
      + "\n\nAgainst \(base.name), paired bootstrap over images, \(first.samples) samples."
  }

  private var figures: String {
    let all = report.figures
    guard !all.isEmpty else { return "" }
    return "## Figures\n\n"
      + all.map { "![\($0.description.caption)](figures/\($0.description.name).svg)" }
      .joined(separator: "\n\n")
  }

  private var classes: String {
    guard report.models.count <= Self.mostAcross else { return "" }
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
    guard report.models.count <= Self.mostAcross else {
      return "Layers and classes of all models are in `layers.csv` and `classes.csv`."
    }
    let known = report.models.map { model in
      Dictionary(model.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    var rows: [ModelEvidence.LayerCost] = []
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

  /// Layers that have the same cost in every model and differ only in their zeros.
  private func sparsities(
    _ rows: [ModelEvidence.LayerCost], _ known: [[String: ModelEvidence.LayerCost]]
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
    _ rows: [ModelEvidence.LayerCost], _ known: [[String: ModelEvidence.LayerCost]]
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
    if !m.system.isEmpty { lines[0] += ", \(m.system)" }
    if let data = m.data {
      lines.append(
        "- data: \(data.path) (\(data.format)), \(data.count), SHA-256 `\(data.sha256)`")
    }
    for (model, file) in zip(report.models, m.models) {
      lines.append("- \(model.name): \(file.path), SHA-256 `\(file.sha256)`")
      lines += (model.settings + model.history).map { "  - \($0)" }
    }
    let commands = m.steps.map { ReportManifest.shell($0) } + [m.commandLine]
    return "## Provenance\n\n```sh\n\(commands.joined(separator: "\n"))\n```\n\n"
      + lines.joined(separator: "\n")
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
