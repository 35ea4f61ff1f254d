import Foundation

/// Lays a sweep out as tables with one row for each setting.
struct SweepTables {
  private let report: SweepReport
  private let groups: [SweepReport.Group]
  private let names: [String]

  init(_ report: SweepReport) {
    self.report = report
    groups = report.groups
    names = report.points.first?.settings.map(\.name) ?? []
  }

  private static func latency(_ model: ModelEvidence) -> Double? { model.measured?.latencyMedian }
  private var isTimed: Bool { groups.contains { $0.mean(Self.latency) != nil } }

  /// The report for people.
  var markdown: String {
    var table = MarkdownTable(
      (names.isEmpty ? ["recipe"] : names).map { ($0, .left) } + [
        ("seeds", .right), ("mAP, mean", .right), ("spread", .right), ("Δ mAP", .right),
        ("file (MB)", .right), ("gzip (MB)", .right), ("MACs (M)", .right), ("nonzero", .right),
      ] + (isTimed ? [("latency (ms) \\*", .right)] : []) + [("front", .left)])
    let base = report.baseline.accuracy?["AP"]
    table.append(row([report.baseline.name], report.baselineGroup, nil))
    for group in groups { table.append(row(settings(group), group, base)) }
    let failures = report.failures.map { "> **Failed.** \($0)" }
    let figures = report.figures.map { "![\($0.name)](figures/\($0.name).svg)" }
    let parts =
      ["# \(MarkdownTable.escaped(report.title))"] + failures + [
        table.text,
        "Spread: the sample's standard deviation over seeds. Front: no other row has a smaller \(report.size.title) and a higher mean mAP. "
          + "Sizes in MB = 10⁶ bytes; FLOPs are twice the MACs."
          + (isTimed ? " \\* measured, varies between runs." : ""),
      ] + figures + [
        "```sh\n\(report.manifest.commandLine)\n```\n\ncompress \(report.manifest.version), "
          + "\(report.manifest.cpu). Every model: [report.html](report.html), `report.json`."
      ]
    return parts.joined(separator: "\n\n") + "\n"
  }

  private func settings(_ group: SweepReport.Group) -> [String] {
    names.isEmpty ? ["recipe"] : group.points[0].settings.map(\.value)
  }

  private func row(
    _ settings: [String], _ group: SweepReport.Group, _ base: Double?
  ) -> [String] {
    let blanks = [String](repeating: "", count: max(0, max(names.count, 1) - settings.count))
    let ap = group.mean(SweepReport.ap)
    let isMany = group.points.count > 1
    var cells = settings + blanks
    cells += [
      "\(group.points.count)", NumberStyle.metric.text(ap),
      isMany ? String(format: "± %.4f", group.spread(SweepReport.ap)) : "",
      NumberStyle.metric.difference(ap, from: base),
      NumberStyle.megabytes.text(group.mean(SweepReport.bytes)),
      NumberStyle.megabytes.text(group.mean { Double($0.gzipBytes) }),
      group.mean { Double($0.macs) }.map { String(format: "%.1f", $0 / 1e6) } ?? "–",
      NumberStyle.count.text(group.mean { Double($0.nonzeros) }),
    ]
    if isTimed { cells.append(NumberStyle.milliseconds.text(group.mean(Self.latency))) }
    return cells + [group.isOnFront ? "yes" : ""]
  }

  /// One row for each setting, in base units.
  var csv: Data {
    var rows = [
      names + [
        "seeds", "AP_mean", "AP_spread", "file_bytes_mean", "gzip_bytes_mean", "macs_mean",
        "nonzeros_mean", "latency_median_ms_mean*", "on_front",
      ]
    ]
    for group in [report.baselineGroup] + groups {
      func number(_ value: Double?) -> String { value.map(CSV.number) ?? "" }
      let own = group.points[0].settings.map(\.value)
      var row =
        (own.isEmpty && !names.isEmpty
          ? [report.baseline.name] + names.dropFirst().map { _ in "" } : own)
        + ["\(group.points.count)"]
      row += [
        number(group.mean(SweepReport.ap)), number(group.spread(SweepReport.ap)),
        number(group.mean(SweepReport.bytes)), number(group.mean { Double($0.gzipBytes) }),
        number(group.mean { Double($0.macs) }),
      ]
      row += [
        number(group.mean { Double($0.nonzeros) }), number(group.mean(Self.latency)),
        group.isOnFront ? "1" : "0",
      ]
      rows.append(row)
    }
    return CSV.data(rows)
  }

  /// A table for a paper, and the figures.
  var latex: String {
    var head = (names.isEmpty ? ["recipe"] : names).map(LaTeX.escaped)
    head +=
      ["mAP", "$\\Delta$", "size (MB)", "gzip (MB)", "MACs (M)"] + (isTimed ? ["ms"] : []) + [
        "front"
      ]
    let base = report.baseline.accuracy?["AP"]
    let all =
      [
        (
          settings: [report.baseline.name],
          group: report.baselineGroup
        )
      ]
      + groups.map { (settings: settings($0), group: $0) }
    let rows = all.map { entry -> [String] in
      let blanks = [String](
        repeating: "", count: max(0, max(names.count, 1) - entry.settings.count))
      return (entry.settings + blanks).map(LaTeX.escaped) + cells(entry.group, base)
    }
    let seeds = groups.map(\.points.count).max() ?? 1
    let table = LaTeX.table(
      caption: "\(LaTeX.escaped(report.title)). mAP in per cent"
        + (seeds > 1 ? ", mean and standard deviation over \(seeds) seeds" : "")
        + ". Rows marked are on the Pareto front of \(report.size.title) and mAP.",
      label: "tab:compress-sweep", head: head, rows: rows)
    let figures = report.figures.map { figure in
      """
      \\begin{figure}[tbp]
        \\centering
        \\includegraphics[width=\\compressfigurewidth]{\\compressreport/figures/\(figure.name).pdf}
        \\caption{mAP of each setting, mean and spread over seeds; filled marks are on the Pareto front.}
        \\label{fig:\(figure.name)}
      \\end{figure}
      """
    }
    return ([LaTeX.settings, table] + figures).joined(separator: "\n\n")
      + "\n"
  }

  private func cells(_ group: SweepReport.Group, _ base: Double?) -> [String] {
    let ap = group.mean(SweepReport.ap)
    let spread = group.spread(SweepReport.ap)
    var cells = [
      ap.map {
        String(format: "$%.2f", 100 * $0)
          + (spread > 0 ? String(format: " \\pm %.2f$", 100 * spread) : "$")
      }
        ?? "--"
    ]
    if let ap, let base {
      cells.append(String(format: "$%+.2f$", 100 * (ap - base)))
    } else {
      cells.append("--")
    }
    cells.append(group.mean(SweepReport.bytes).map { String(format: "%.2f", $0 / 1e6) } ?? "--")
    cells.append(
      group.mean { Double($0.gzipBytes) }.map { String(format: "%.2f", $0 / 1e6) } ?? "--")
    cells.append(group.mean { Double($0.macs) }.map { String(format: "%.1f", $0 / 1e6) } ?? "--")
    if isTimed { cells.append(group.mean(Self.latency).map { String(format: "%.2f", $0) } ?? "--") }
    return cells + [group.isOnFront ? "$\\bullet$" : ""]
  }
}
