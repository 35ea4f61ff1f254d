import Evidence

/// What is done to a model step by step, as a file says it.
struct Recipe {
  /// The file it was read from.
  var file: String
  /// What stands in it.
  var text: String
  /// The heading of the report.
  var title: String?
  /// The model; `nil` for the embedded detector.
  var model: String?
  /// What steps get that take it and do not say otherwise, by option, in this order.
  var shared: [RecipeStep.Option] = []
  var seed: UInt64 = 0
  /// Scenes to learn from and to score on where no images are given.
  var scenes = Scenes()
  /// The steps, of one way or of several that are compared.
  var variants: [Variant]
  var goals: [RecipeGoal] = []
  /// The folder that keeps models and plans; `nil` for one named after the recipe.
  var work: String?
  /// The folder of the report; `nil` for one in the work folder.
  var report: String?

  /// How many scenes are made.
  struct Scenes: Equatable {
    var train = EmbeddedData.trainingCount
    var score = EmbeddedData.validationCount
  }

  /// One way of going about it.
  struct Variant {
    /// What it is called; empty when there is only one.
    var name: String
    var steps: [RecipeStep]
  }

  /// The paths that shared options name.
  var files: [String?] {
    ["data", "train-data", "calib", "head"].map { shared($0) }
  }

  /// The value of a shared option.
  func shared(_ name: String) -> String? {
    shared.first { $0.name == name }?.values.first
  }

  /// The variant of that name; without a name the only one.
  ///
  /// - Throws: ``CommandError`` that lists the names.
  func variant(_ name: String?) throws -> Variant {
    let names = variants.map(\.name).filter { !$0.isEmpty }
    if let name {
      guard let found = variants.first(where: { $0.name == name && !name.isEmpty }) else {
        throw CommandError(
          .usage,
          "\(file): has no variant '\(name)'; "
            + (names.isEmpty
              ? "it has one list of steps and no variants: leave out --variant"
              : "there are \(names.joined(separator: ", "))"))
      }
      return found
    }
    guard variants.count == 1 else {
      throw CommandError(
        .usage,
        "\(file): has several variants; choose one with --variant: \(names.joined(separator: ", "))"
      )
    }
    return variants[0]
  }

  /// Sets an option of every step of a verb, as `verb.option=value` says.
  ///
  /// - Throws: ``CommandError`` when the text is not of that form or no step is of that verb.
  mutating func set(_ text: String) throws {
    let setting = try RecipeSetting(text)
    var isKnown = false
    for variant in variants.indices {
      for step in variants[variant].steps.indices
      where variants[variant].steps[step].verb == setting.verb {
        isKnown = true
        variants[variant].steps[step].set(setting.option, to: setting.value)
      }
    }
    guard isKnown else {
      throw CommandError(.usage, "--set \(text): \(file) has no step '\(setting.verb)'")
    }
  }
}

/// One step of a recipe: a verb with options.
struct RecipeStep {
  /// One option with its values.
  struct Option {
    var name: String
    /// The values, each given on its own; none for a flag.
    var values: [String]
    /// The line it stands in; `nil` when it does not come from the file.
    var line: Int?

    /// The option as words of a command line.
    var words: [String] {
      values.isEmpty ? ["--\(name)"] : values.flatMap { ["--\(name)", $0] }
    }
  }

  var verb: String
  var options: [Option]
  var line: Int

  /// Sets an option to one value; `true` makes a flag of it, `false` takes it away.
  mutating func set(_ name: String, to value: String) {
    options.removeAll { $0.name == name }
    if value == "false" { return }
    options.append(Option(name: name, values: value == "true" ? [] : [value]))
  }
}

/// `verb.option=value`.
struct RecipeSetting: Equatable {
  var verb: String
  var option: String
  var value: String

  /// Reads a setting.
  ///
  /// - Throws: ``CommandError``.
  init(_ text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let names = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, names.count == 2, !names[0].isEmpty, !names[1].isEmpty else {
      throw CommandError(.usage, "--set takes VERB.OPTION=VALUE, found '\(text)'")
    }
    (verb, option, value) = (String(names[0]), String(names[1]), String(parts[1]))
  }
}
