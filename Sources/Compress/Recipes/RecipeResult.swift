import Reports

/// What `compress run` prints.
struct RecipeResult: PrintableResult {
  /// One step.
  struct Step: Encodable {
    var command: [String]
    var output: String
    /// Whether it had been done before.
    var isKept: Bool
  }

  var schemaVersion = 1
  var recipe: String
  var variant: String
  /// The folder that keeps every step's model and plan.
  var work: String
  var steps: [Step] = []
  var report: String?
  /// The first model, then what each step made of it.
  var models: [ModelEvidence] = []
  var goals: [RecipeGoal.Outcome] = []

  init(recipe: String, variant: String, work: String) {
    (self.recipe, self.variant, self.work) = (recipe, variant, work)
  }

  /// The result for people.
  var text: String {
    var parts = [
      ComparisonTable(models: models, titles: models.map(\.name)).text
    ]
    if !goals.isEmpty {
      var table = Table([("goal", .left), ("found", .left), ("", .left)])
      for goal in goals { table.append([goal.goal, goal.found, goal.isMet ? "met" : "missed"]) }
      parts.append(table.text)
    }
    if let last = steps.last { parts.append("The model is \(last.output).") }
    if let report { parts.append("The report is in \(report).") }
    return parts.joined(separator: "\n\n")
  }
}
