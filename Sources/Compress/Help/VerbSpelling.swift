import ArgumentParser
import Formats
import Foundation

/// Which verb is meant by a word that is none.
enum VerbSpelling {
  /// Words of other tools, and of everyday speech.
  private static let synonyms = [
    "val": "evaluate", "validate": "evaluate", "test": "evaluate", "score": "evaluate",
    "predict": "detect", "infer": "detect", "run-model": "detect", "time": "benchmark",
    "profile": "benchmark", "info": "inspect", "summary": "inspect", "show": "inspect",
    "export": "convert", "finetune": "train", "fine-tune": "train", "fit": "train",
    "ptq": "quantize", "qat": "quantize", "int8": "quantize", "shrink": "prune",
    "sparsify": "prune", "slim": "prune", "svd": "lowrank", "factorize": "lowrank",
    "factorise": "lowrank", "decompose": "lowrank", "kd": "distill", "teach": "distill",
    "diff": "compare",
  ]

  /// The sentence that says that a word is no verb, and which may be meant.
  static func fault(_ word: String, path: [any ParsableCommand.Type]) -> String {
    let verbs = (path.last?.configuration.subcommands ?? []).map(CommandPath.name)
    let parent = path.map(CommandPath.name).joined(separator: " ")
    let isFile =
      word.contains("/") || ModelFormat.named(by: URL(filePath: word)) != nil
      || ForeignModel.named(by: URL(filePath: word)) != nil
    if isFile {
      return "'\(word)' is no verb; a verb comes first, as in: \(parent) \(verbs[0]) \(word)"
    }
    let meant = meant(by: word.lowercased(), among: verbs)
    return "there is no verb '\(word)'. "
      + (meant.map { "Did you mean '\($0)'?" } ?? "The verbs are \(verbs.joined(separator: ", ")).")
  }

  /// The verb a word is nearest to; `nil` where it is near to none.
  static func meant(by word: String, among verbs: [String]) -> String? {
    if let known = synonyms[word], verbs.contains(known) { return known }
    if word.count > 2, let long = verbs.first(where: { $0.hasPrefix(word) }) { return long }
    let nearest = verbs.map { ($0, distance(word, $0)) }.min { $0.1 < $1.1 }
    return nearest.flatMap { $0.1 <= max(1, min(word.count, $0.0.count) / 3) ? $0.0 : nil }
  }

  /// How many letters must be added, left out, changed or swapped with their neighbours.
  static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var rows = [Array(0...b.count)]
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var least = min(row[j], rows[i][j + 1]) + 1
        least = min(least, rows[i][j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          least = min(least, rows[i - 1][j - 1] + 1)
        }
        row.append(least)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
