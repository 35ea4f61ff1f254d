import Foundation

extension ReportRenderer {
  /// The report as one self-contained page.
  static let html = ReportRenderer(file: "report.html") { Data(HTMLReport($0).text.utf8) }
}

/// Lays a comparison out as a page with a sortable table, and figures that show values under the
/// pointer.
struct HTMLReport {
  private let report: ComparisonReport

  init(_ report: ComparisonReport) { self.report = report }

  var text: String {
    let title = HTML.escaped(report.title)
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>\(title)</title>
      <style>
      \(HTMLPage.style)</style>
      </head>
      <body>
      <header><h1>\(title)</h1><button id="theme" type="button">light / dark</button></header>
      \(notes)\(models)\(certainty)\(figures)\(classes)\(provenance)
      <div id="tip" hidden></div>
      <script>
      \(HTMLPage.script)</script>
      </body>
      </html>

      """
  }

  private var notes: String {
    report.notes.map { "<p class=\"note\">\(HTML.escaped($0))</p>\n" }.joined()
  }

  private var models: String {
    // The chief columns come first; the rest is reached by scrolling.
    let chief = Set(ReportColumn.chief.map(\.key))
    let all = report.columns
    let columns = all.filter { chief.contains($0.key) } + all.filter { !chief.contains($0.key) }
    let head = columns.map { column in
      "<th data-number scope=\"col\">\(HTML.escaped(column.title))"
        + (column.isMeasured ? " *" : "") + "</th>"
    }
    let rows = report.models.enumerated().map { index, model in
      let cells = columns.map { cell($0, model, isBase: index == 0) }
      return "<tr><th scope=\"row\">\(HTML.escaped(model.name))</th>\(cells.joined())</tr>\n"
    }
    let remarks = report.remarks.map { $0.replacing("\\*", with: "*") }
    return """
      <section><h2>Comparison</h2>
      <p class="small">Click on a heading to sort; the change against the first model stands below each value; paper has the first twelve columns, report.csv all.</p>
      <div class="wide"><table class="sortable models">
      <thead><tr><th scope="col">model</th>\(head.joined())</tr></thead>
      <tbody>
      \(rows.joined())</tbody></table></div>
      <p class="small">\(remarks.map(HTML.escaped).joined(separator: "<br>"))</p></section>

      """
  }

  private func cell(_ column: ReportColumn, _ model: ModelEvidence, isBase: Bool) -> String {
    let value = column.value(model)
    let key = value.map { $0.isFinite ? "\($0)" : "" } ?? ""
    var text = column.style.text(value)
    if !isBase, value != nil {
      let base = column.value(report.models[0])
      let (change, part) = (
        column.style.difference(value, from: base), column.style.relative(value, from: base)
      )
      if change != "–", value != base {
        let isCost = column.style != .metric && part != "–"
        text += "<br><small>\(isCost ? part : change)</small>"
      }
    }
    return "<td data-value=\"\(key)\">\(text)</td>"
  }

  private var certainty: String {
    guard let first = report.tests.first else { return "" }
    let lines = report.tests.map { test in
      "<li class=\"\(test.isWithinNoise ? "noise" : "real")\">\(HTML.escaped(test.sentence))</li>\n"
    }
    return """
      <section><h2>Certainty</h2><ul>
      \(lines.joined())</ul>
      <p class="small">Against \(HTML.escaped(report.models[0].name)), paired bootstrap over images, \
      \(first.samples) samples.</p></section>

      """
  }

  private var figures: String {
    let all = report.figures.map { entry in
      "<figure>\n\(entry.figure.inline)<figcaption>\(HTML.escaped(entry.description.caption))"
        + "</figcaption></figure>\n"
    }
    return all.isEmpty
      ? "" : "<section><h2>Figures</h2><div class=\"figures\">\n\(all.joined())</div></section>\n"
  }

  private var classes: String {
    var seen: Set<String> = []
    let all = report.models.flatMap(\.classes).filter { seen.insert($0.name).inserted }
    guard !all.isEmpty else { return "" }
    let head = report.models.map {
      "<th data-number scope=\"col\">AP \(HTML.escaped($0.name))</th>"
    }
    let rows = all.map { score in
      let cells = report.models.map { model in
        let ap = model.classes.first { $0.name == score.name }?.ap
        return "<td data-value=\"\(ap.map { "\($0)" } ?? "")\">\(NumberStyle.metric.text(ap))</td>"
      }
      return "<tr><th scope=\"row\">\(HTML.escaped(score.name))</th>"
        + "<td data-value=\"\(score.objects)\">\(score.objects)</td>\(cells.joined())</tr>\n"
    }
    return """
      <section><h2>Classes</h2><div class="wide"><table class="sortable">
      <thead><tr><th scope="col">class</th><th data-number scope="col">objects</th>\(head.joined())</tr></thead>
      <tbody>
      \(rows.joined())</tbody></table></div></section>

      """
  }

  private var provenance: String {
    let m = report.manifest
    let commands = (m.steps.map { ReportManifest.shell($0) } + [m.commandLine])
    var lines = [
      "compress \(m.version), seed \(m.seed), threads \(m.threads), \(m.cpu) \(m.system)"
    ]
    if let data = m.data {
      lines.append(
        "data: \(data.path) (\(data.format)), \(data.count), SHA-256 \(data.sha256)")
    }
    for (model, file) in zip(report.models, m.models) {
      lines.append("\(model.name): \(file.path), SHA-256 \(file.sha256)")
      lines += model.settings + model.history
    }
    return """
      <section><h2>Provenance</h2>
      <pre>\(HTML.escaped(commands.joined(separator: "\n")))</pre>
      <ul class="small">\(lines.map { "<li>\(HTML.escaped($0))</li>" }.joined(separator: "\n"))</ul></section>
      """
  }
}

/// Pieces of HTML.
enum HTML {
  /// Text with markup characters escaped.
  static func escaped(_ text: String) -> String { SVG.escaped(text) }
}
