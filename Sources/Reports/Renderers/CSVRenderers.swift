import Foundation

extension ReportRenderer {
  /// One row for each model and one column for each quantity, in base units.
  static let csv = ReportRenderer(file: "report.csv") { report in
    var rows = [["model", "sha256"] + ReportColumn.all.map { $0.key + ($0.isMeasured ? "*" : "") }]
    for model in report.models {
      rows.append(
        [model.name, model.sha256]
          + ReportColumn.all.map { column in column.value(model).map(CSV.number) ?? "" })
    }
    return CSV.data(rows)
  }

  /// One row for each quantity and each model except the first: before, after and the change.
  static let changes = ReportRenderer(file: "changes.csv") { report in
    var rows = [["quantity", "model", "before", "after", "delta", "delta_percent"]]
    for model in report.models.dropFirst() {
      for column in report.columns {
        let (before, after) = (column.value(report.models[0]), column.value(model))
        var row = [column.key + (column.isMeasured ? "*" : ""), model.name]
        row += [before, after].map { $0.map(CSV.number) ?? "" }
        let isKnown = column.style != .metric || (before ?? -1) >= 0 && (after ?? -1) >= 0
        if let before, let after, isKnown {
          row += [
            CSV.number(after - before), before > 0 ? CSV.number(100 * (after / before - 1)) : "",
          ]
        } else {
          row += ["", ""]
        }
        rows.append(row)
      }
    }
    return CSV.data(rows)
  }

  /// One row for each layer and model.
  static let layers = ReportRenderer(file: "layers.csv") { report in
    var rows = [["model", "layer", "operator", "parameters", "nonzeros", "sparsity", "macs"]]
    for model in report.models {
      for layer in model.layers {
        rows.append([
          model.name, layer.name, layer.opType, "\(layer.parameters)", "\(layer.nonzeros)",
          CSV.number(layer.sparsity), "\(layer.macs)",
        ])
      }
    }
    return CSV.data(rows)
  }

  /// One row for each class and model.
  static let classes = ReportRenderer(file: "classes.csv") { report in
    var rows = [["model", "class", "objects", "AP", "AP50"]]
    for model in report.models {
      for score in model.classes {
        rows.append([
          model.name, score.name, "\(score.objects)", CSV.number(score.ap), CSV.number(score.ap50),
        ])
      }
    }
    return CSV.data(rows)
  }
}

/// Comma-separated values by RFC 4180.
enum CSV {
  static func data(_ rows: [[String]]) -> Data {
    Data(rows.map { $0.map(field).joined(separator: ",") + "\r\n" }.joined().utf8)
  }

  /// An integer without a fraction, any other number with six decimals; empty for a number that is
  /// not finite.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return "" }
    return value == value.rounded() && value.magnitude < 1e15
      ? String(Int(value)) : String(format: "%.6f", value)
  }

  private static func field(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { [",", "\"", "\r", "\n"].contains($0) }) else {
      return text
    }
    return "\"" + text.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
