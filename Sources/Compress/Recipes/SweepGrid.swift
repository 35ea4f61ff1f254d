import Evidence
import Formats
import Foundation
import Reports

/// The points of a sweep: every combination of the values, with every variant and seed.
struct SweepGrid {
  /// One run of the recipe.
  struct Point {
    /// What is set, the variant first where there are several.
    var settings: [SweepReport.Setting]
    /// The words of `compress run` that set it.
    var words: [String]
    var seed: UInt64
    /// What it is known by: the recipe's text, the settings, the seed.
    var key: String
  }

  let points: [Point]

  /// The grid of a recipe.
  ///
  /// - Parameters:
  ///   - sets: `verb.option=value,value…` each; a value with commas is put between brackets,
  ///     `[0.05,0.7]`.
  ///   - seeds: How many seeds, from the recipe's on.
  /// - Throws: ``CommandError``.
  init(_ recipe: Recipe, sets: [String], seeds: Int) throws {
    var rows: [(settings: [SweepReport.Setting], words: [String])] = [([], [])]
    let variants = recipe.variants.map(\.name).filter { !$0.isEmpty }
    if !variants.isEmpty {
      rows = variants.map {
        ([.init(name: "variant", value: $0)], ["--variant", $0])
      }
    }
    for text in sets {
      let setting = try RecipeSetting(text)
      let name = "\(setting.verb).\(setting.option)"
      let values = Self.values(setting.value)
      guard !values.isEmpty, !values.contains("") else {
        throw CommandError(.usage, "--set \(text): names no value")
      }
      rows = rows.flatMap { row in
        values.map { value in
          (
            row.settings + [.init(name: name, value: value)],
            row.words + ["--set", "\(name)=\(value)"]
          )
        }
      }
    }
    let text = Data(recipe.text.utf8)
    points = rows.flatMap { row in
      (0..<seeds).map { number in
        let seed = recipe.seed + UInt64(number)
        let words = row.words + ["--seed", "\(seed)"]
        let identity = Data((words.joined(separator: "\n") + "\n\(Version.text)\n").utf8) + text
        return Point(
          settings: row.settings, words: words, seed: seed, key: Digest.sha256Text(identity))
      }
    }
  }

  /// The values between commas; commas between brackets part nothing.
  private static func values(_ text: String) -> [String] {
    var values = [""]
    var depth = 0
    for character in text {
      switch character {
      case "[": depth += 1
      case "]": depth -= 1
      case "," where depth == 0: values.append("")
      default: values[values.count - 1].append(character)
      }
    }
    return values
  }
}
