extension HeadEvidence {
  /// A file of head settings for these outputs, filled with what shapes and names tell.
  ///
  /// What is a guess says so behind a #.
  var skeleton: String {
    let rows = Set(outputs.map { $0.shape.dropLast().product })
    let strides = outputs.compactMap { output -> Int? in
      output.shape.count == 4 ? stride(rows: output.shape[2], columns: output.shape[3]) : nil
    }
    let common = rows.compactMap { self.strides(cells: $0) }.first
    let found = Array(Set(strides)).sorted()
    let known = found.isEmpty ? common ?? [] : found
    let names = metadataNames.map { "[\($0.joined(separator: ", "))]" } ?? "[name, …]"
    var lines = [
      "family: described", "classes: \(names)   # in the network's order, without the background",
    ]
    if !known.isEmpty {
      lines.append("strides: [\(known.map(String.init).joined(separator: ", "))]")
    }
    lines += ["layout:", "  outputs:"]
    lines += outputs.map { line($0.name, $0.shape, known) }
    lines += [
      "  box: {fields: [cx, cy, w, h], coding: plain, unit: pixels}   # a guess",
      "  activation: {classes: none}   # or sigmoid, softmax",
      "  background: none   # or first, last",
    ]
    return lines.joined(separator: "\n")
  }

  /// The line of one output.
  private func line(_ name: String, _ shape: [Int], _ strides: [Int]) -> String {
    let axes: [String]
    var level = ""
    let isMap = shape.count == 4 && strides.contains(stride(rows: shape[2], columns: shape[3]) ?? 0)
    if isMap {
      axes = ["batch", "fields", "rows", "columns"]
      let place = stride(rows: shape[2], columns: shape[3]).flatMap(strides.firstIndex(of:)) ?? 0
      level = strides.count > 1 ? " level: \(place)," : ""
    } else {
      axes =
        switch shape.count {
        case 0, 1: shape.map { _ in "boxes" }
        case 2: ["boxes", "fields"]
        default: ["batch"] + shape.dropFirst().dropLast(2).map { _ in "one" } + ["boxes", "fields"]
        }
    }
    let count = isMap ? shape[1] : shape.last ?? 1
    let isScored = ["cls", "class", "score", "conf", "logit", "prob"].contains {
      name.lowercased().contains($0)
    }
    let fields =
      switch count {
      case 2... where isScored: "[classes]"
      case 1: "[confidence]"
      case 4: "[box]"
      case 6: "[box, confidence, class]"
      case 7: "[image, box, class, confidence]"
      case 10: "[ignore 10]"
      default: count > 5 ? "[box, objectness, classes]" : "[classes]"
      }
    return
      "    - {output: '\(name)',\(level) axes: [\(axes.joined(separator: ", "))], fields: \(fields)}"
      + "   # \(shape); fields are a guess"
  }
}
