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

  private var heading: String { "# \(Self.escaped(report.title))\n\n    \(report.command)" }

  private var comparison: String {
    let others = report.models.dropFirst()
    var header = ["quantity", base.name]
    for model in others { header += [model.name, "change"] }
    var rows: [[String]] = []
    for column in ReportColumn.all where report.models.contains(where: { column.value($0) != nil })
    {
      var row = [
        column.title + (column.isMeasured ? " \\*" : ""), column.style.text(column.value(base)),
      ]
      for model in others {
        row.append(column.style.text(column.value(model)))
        row.append(column.style.change(column.value(model), from: column.value(base)))
      }
      rows.append(row)
    }
    return """
      ## Comparison

      \(Self.table(header, rows))

      \\* measured in this run; varies with the machine and its load. A dash marks what was not or could not be measured.
      """
  }

  private var classes: String {
    guard report.models.contains(where: { !$0.classes.isEmpty }) else { return "" }
    var rows: [[String]] = []
    for score in base.classes {
      var row = [Self.escaped(score.name), "\(score.objects)"]
      for model in report.models {
        let own = model.classes.first { $0.name == score.name }
        row.append(NumberStyle.metric.text(own?.ap))
        row.append(NumberStyle.metric.text(own?.ap50))
      }
      rows.append(row)
    }
    let header = ["class", "objects"] + report.models.flatMap { ["AP \($0.name)", "AP50"] }
    return "## Classes\n\n" + Self.table(header, rows)
  }

  private var layers: String {
    let rowCount = report.models.map(\.layers.count).max() ?? 0
    guard rowCount > 0 else { return "" }
    let known = report.models.map { model in
      Dictionary(model.layers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }
    var names: [String] = []
    var seen: Set<String> = []
    for layer in report.models.flatMap(\.layers) where seen.insert(layer.name).inserted {
      names.append(layer.name)
    }
    let header =
      ["layer", "operator"]
      + report.models.flatMap { ["parameters \($0.name)", "sparsity", "MACs"] }
    let rows = names.map { name in
      let type = known.lazy.compactMap { $0[name]?.opType }.first ?? ""
      return [Self.escaped(name), type]
        + known.flatMap { layers -> [String] in
          guard let layer = layers[name] else { return ["–", "–", "–"] }
          return [
            NumberStyle.count.text(Double(layer.parameters)),
            NumberStyle.percent.text(layer.sparsity),
            NumberStyle.count.text(Double(layer.macs)),
          ]
        }
    }
    return "## Layers\n\n" + Self.table(header, rows)
  }

  private var provenance: String {
    let m = report.manifest
    var lines = ["- compress \(m.version), seed \(m.seed), \(m.threads) threads, \(m.cpu)"]
    if !m.data.isEmpty {
      lines.append("- data: \(m.data), \(m.images) images, labels SHA-256 `\(m.dataDigest)`")
    }
    for model in report.models {
      lines.append("- \(Self.escaped(model.name)): SHA-256 `\(model.sha256)`")
      lines += model.settings.map { "  - \($0)" }
    }
    return "## Provenance\n\n" + lines.joined(separator: "\n")
  }

  private static func table(_ header: [String], _ rows: [[String]]) -> String {
    let rule = header.indices.map { $0 == 0 ? "---" : "---:" }
    return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
      .joined(separator: "\n")
  }

  private static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "|", with: "\\|")
  }
}
