import Foundation
import Reports

/// A bound that the last model of a recipe is to keep.
struct RecipeGoal {
  /// What is bounded: one of ``names``.
  var name: String
  /// The bound as the recipe says it.
  var text: String
  /// The bound; a part of the first model's value when ``isRelative``.
  var bound: Double
  var isRelative: Bool
  /// The line of the recipe.
  var line: Int

  /// The goals there are.
  static let names = ["max-drop", "min-map", "size", "parameters", "macs", "latency"]

  /// What a goal's value looks like.
  static func form(_ name: String) -> String {
    switch name {
    case "max-drop", "min-map": "a difference or value of mAP between 0 and 1"
    case "size": "bytes such as 900kB or 1.5MB, or a part of the first model's such as 50%"
    case "latency": "milliseconds such as 12 or 12ms, or a part of the first model's such as 50%"
    default: "a number such as 200M, or a part of the first model's such as 50%"
    }
  }

  /// A goal; `nil` when the value is none.
  init?(_ name: String, _ text: String, line: Int) {
    (self.name, self.text, self.line) = (name, text, line)
    var digits = text.trimmingCharacters(in: .whitespaces)
    if ["max-drop", "min-map"].contains(name) {
      guard let value = Double(digits), (0...1).contains(value) else { return nil }
      (bound, isRelative) = (value, false)
      return
    }
    isRelative = digits.hasSuffix("%")
    var factor = isRelative ? 0.01 : 1
    if isRelative {
      digits.removeLast()
    } else {
      for unit in ["ms", "B"] where digits.hasSuffix(unit) { digits.removeLast(unit.count) }
      let prefixes: [Character: Double] = ["k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9]
      if let last = digits.last, let value = prefixes[last] {
        factor = value
        digits.removeLast()
      }
    }
    guard let value = Double(digits.trimmingCharacters(in: .whitespaces)), value > 0 else {
      return nil
    }
    bound = value * factor
  }

  /// Whether labelled images are needed to tell.
  var needsData: Bool { ["max-drop", "min-map"].contains(name) }
  /// Whether time has to be measured to tell.
  var needsTiming: Bool { name == "latency" }

  /// What a model has of what is bounded.
  private func value(_ model: ModelEvidence) -> Double? {
    switch name {
    case "max-drop", "min-map": model.accuracy?["AP"]
    case "size": Double(model.fileBytes)
    case "parameters": Double(model.parameters)
    case "macs": Double(model.macs)
    default: model.measured?.latencyMedian
    }
  }

  /// How a goal ended.
  struct Outcome: Encodable {
    var goal: String
    var isMet: Bool
    /// What was found, in words.
    var found: String
  }

  /// Whether the last model keeps the bound; a value that is not known does not.
  func outcome(first: ModelEvidence, last: ModelEvidence) -> Outcome {
    let goal = "\(name) \(text)"
    guard let before = value(first), let after = value(last) else {
      return Outcome(goal: goal, isMet: false, found: "not known")
    }
    switch name {
    case "max-drop":
      let drop = before - after
      return Outcome(goal: goal, isMet: drop <= bound, found: String(format: "%.4f", drop))
    case "min-map":
      return Outcome(goal: goal, isMet: after >= bound, found: Format.metric(after))
    default:
      let limit = isRelative ? bound * before : bound
      let part = String(format: "%.1f %% of the first model's", 100 * after / max(before, 1e-12))
      let value = name == "latency" ? Format.milliseconds(after) : Format.count(Int(after))
      return Outcome(goal: goal, isMet: after <= limit, found: "\(value), \(part)")
    }
  }
}
