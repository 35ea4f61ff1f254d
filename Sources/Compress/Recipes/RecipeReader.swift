import Formats
import Foundation
import ObjectDetection
import Yams

/// Reads recipes, and says of a mistake in which line it is and what to do.
struct RecipeReader {
  private let file: String

  private static let keys =
    ["title", "model", "seed", "scenes", "steps", "variants", "goals", "work", "report"]
    + sharedKeys
  /// Keys that are options of the verbs as well.
  static let sharedKeys = [
    "data", "split", "limit", "limit-seed", "classes", "train-data", "calib", "head",
    "mean", "std", "scale", "pixel-order", "fit", "imgsz", "input-shape", "input",
    "threads",
  ]
  /// Those of them that may have several values.
  private static let repeatedKeys: Set = ["input-shape", "input"]

  /// Reads a file.
  ///
  /// - Throws: `FormatError`, ``CommandError``.
  static func read(_ path: String) throws -> Recipe {
    let url = URL(filePath: path)
    guard try InputFile.kind(of: url) != nil else {
      throw CommandError(.noInput, "\(path): there is no such file")
    }
    return try RecipeReader(file: path).recipe(try TextFile(url).text)
  }

  private init(file: String) { self.file = file }

  private func recipe(_ text: String) throws -> Recipe {
    let root: Node.Mapping
    do {
      guard let mapping = try YAMLText.compose(text)?.mapping else {
        throw mistake(1, "is no recipe: expected keys such as model: and steps:")
      }
      root = mapping
    } catch let error as YamlError {
      throw CommandError(
        .badData, "\(file): is not YAML: \(error)".replacing("\n", with: " "))
    }
    try check(root, Self.keys, of: "a recipe")
    var recipe = Recipe(file: file, text: text, variants: try variants(root))
    recipe.title = try string(of: root, "title")
    recipe.model = try string(of: root, "model")
    recipe.work = try string(of: root, "work")
    recipe.report = try string(of: root, "report")
    recipe.seed = try number(root, "seed").map { UInt64($0) } ?? 0
    _ = try number(root, "threads", in: .threads)
    recipe.scenes = try scenes(root)
    recipe.goals = try goals(root)
    for key in Self.sharedKeys {
      guard let node = root[key], node.null == nil else { continue }
      if Self.repeatedKeys.contains(key), node.sequence != nil {
        try option(key, node, line: line(node)).map { recipe.shared.append($0) }
      } else if let value = try string(of: root, key) {
        recipe.shared.append(.init(name: key, values: [value], line: line(node)))
      }
    }
    if recipe.model != nil, recipe.shared("data") == nil,
      let goal = recipe.goals.first(where: \.needsData)
    {
      throw mistake(goal.line, "\(goal.name) is about accuracy: name labelled images with data:")
    }
    return recipe
  }

  // MARK: Steps

  private func variants(_ root: Node.Mapping) throws -> [Recipe.Variant] {
    switch (root["steps"], root["variants"]) {
    case (let steps?, nil): return [.init(name: "", steps: try self.steps(steps))]
    case (nil, let variants?):
      guard let mapping = variants.mapping, !mapping.isEmpty else {
        throw mistake(line(variants), "variants: takes names with a list of steps each")
      }
      return try mapping.map { key, node in
        guard let name = key.string, !name.isEmpty, !name.contains("/") else {
          throw mistake(line(key), "a variant's name is a word without '/'")
        }
        return .init(name: name, steps: try steps(node))
      }
    case (nil, nil): throw mistake(1, "has no steps:")
    case (_, let variants?):
      throw mistake(line(variants), "give either steps: or variants:")
    }
  }

  private func steps(_ node: Node) throws -> [RecipeStep] {
    guard let list = node.sequence, !list.isEmpty else {
      throw mistake(
        line(node), "steps are a list such as '- prune: {sparsity: 0.5}'")
    }
    return try list.map(step)
  }

  private func step(_ node: Node) throws -> RecipeStep {
    if let verb = node.string {
      return try check(RecipeStep(verb: verb, options: [], line: line(node)))
    }
    guard let mapping = node.mapping, mapping.count == 1, let (key, value) = mapping.first,
      let verb = key.string
    else { throw mistake(line(node), "a step is one verb with its options: '- prune: {…}'") }
    var step = RecipeStep(verb: verb, options: [], line: line(key))
    if value.null != nil || value.string == "" { return try check(step) }
    guard let options = value.mapping else {
      throw mistake(line(value), "the options of \(verb) are 'name: value' each")
    }
    for (key, value) in options {
      guard let name = key.string else { throw mistake(line(key), "an option is a word") }
      if let option = try option(name, value, line: line(key)) { step.options.append(option) }
    }
    return try check(step)
  }

  /// An option; `nil` when it is switched off.
  private func option(_ name: String, _ node: Node, line: Int) throws -> RecipeStep.Option? {
    guard !RecipeVerbs.reserved.contains(name) else {
      throw mistake(line, "--\(name) is set by the run itself; leave it out")
    }
    if let isOn = node.bool { return isOn ? .init(name: name, values: [], line: line) : nil }
    if let value = node.string { return .init(name: name, values: [value], line: line) }
    let values = node.sequence?.map(\.string)
    let known = (values ?? []).compactMap { $0 }
    guard let values, !known.isEmpty, known.count == values.count else {
      throw mistake(line, "\(name) takes a value, a list of values, or true")
    }
    return .init(name: name, values: known, line: line)
  }

  private func check(_ step: RecipeStep) throws -> RecipeStep {
    guard RecipeVerbs.names.contains(step.verb) else {
      throw mistake(
        step.line,
        unknown(step.verb, RecipeVerbs.names, "verb for a step"))
    }
    return step
  }

  // MARK: The rest

  private func scenes(_ root: Node.Mapping) throws -> Recipe.Scenes {
    var scenes = Recipe.Scenes()
    guard let node = root["scenes"] else { return scenes }
    guard let mapping = node.mapping else {
      throw mistake(line(node), "scenes: takes train: and score:, numbers of scenes")
    }
    try check(mapping, ["train", "score"], of: "scenes")
    scenes.train = try number(mapping, "train", in: .scenes) ?? scenes.train
    scenes.score = try number(mapping, "score", in: .scenes) ?? scenes.score
    return scenes
  }

  private func goals(_ root: Node.Mapping) throws -> [RecipeGoal] {
    guard let node = root["goals"] else { return [] }
    guard let mapping = node.mapping else {
      throw mistake(line(node), "goals: takes \(RecipeGoal.names.joined(separator: ", "))")
    }
    try check(mapping, RecipeGoal.names, of: "goals")
    return try mapping.map { key, value in
      guard let name = key.string, let text = value.string,
        let goal = RecipeGoal(name, text, line: line(key))
      else {
        throw mistake(
          line(key),
          "\(key.string ?? "a goal") takes \(RecipeGoal.form(key.string ?? "")), found '\(value.string ?? "…")'"
        )
      }
      return goal
    }
  }

  private func string(of mapping: Node.Mapping, _ key: String) throws -> String? {
    guard let node = mapping[key], node.null == nil else { return nil }
    guard let text = node.string, !text.isEmpty else {
      throw mistake(line(node), "\(key): takes a text")
    }
    return text
  }

  private func number(_ mapping: Node.Mapping, _ key: String) throws -> Int? {
    guard let node = mapping[key] else { return nil }
    guard let value = node.int, value >= 0 else {
      throw mistake(line(node), "\(key): takes a whole number from 0 on")
    }
    return value
  }

  private func number(
    _ mapping: Node.Mapping, _ key: String, in range: NumberRange
  ) throws -> Int? {
    guard let node = mapping[key], node.null == nil else { return nil }
    guard let value = node.int, range.contains(value) else {
      throw mistake(
        line(node), "\(key): must \(range.rule), found \(node.string ?? "what is no number")")
    }
    return value
  }

  private func check(_ mapping: Node.Mapping, _ known: [String], of place: String) throws {
    for key in mapping.keys where !known.contains(key.string ?? "") {
      throw mistake(line(key), unknown(key.string ?? "", known, "key of \(place)"))
    }
  }

  private func unknown(_ name: String, _ known: [String], _ kind: String) -> String {
    let near = NearestName.of(name, in: known).map { "; did you mean '\($0)'?" } ?? "."
    return "'\(name)' is no \(kind)\(near) Known are \(known.joined(separator: ", "))."
  }

  private func line(_ node: Node?) -> Int { node?.mark?.line ?? 1 }

  private func mistake(_ line: Int, _ reason: String) -> CommandError {
    CommandError(.badData, "\(file): line \(line): \(reason)")
  }
}

/// Finds what a misspelt word was meant to be.
enum NearestName {
  /// The nearest known word, if at most a third of the letters differ.
  static func of(_ word: String, in known: [String]) -> String? {
    let best = known.map { ($0, distance(Array(word), Array($0))) }.min { $0.1 < $1.1 }
    guard let best, best.1 <= max(1, (word.count + 1) / 3) else { return nil }
    return best.0
  }

  /// Letters to insert, delete or replace (Levenshtein).
  private static func distance(_ a: [Character], _ b: [Character]) -> Int {
    var row = Array(0...b.count)
    for (i, letter) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in b.enumerated() {
        let above = row[j + 1]
        row[j + 1] = min(above + 1, row[j] + 1, diagonal + (letter == other ? 0 : 1))
        diagonal = above
      }
    }
    return row[b.count]
  }
}
