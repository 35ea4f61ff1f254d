/// A comparison of model files: cost, speed and accuracy.
///
/// The first model is the baseline that the others are compared with.
public struct ComparisonReport: Codable, Sendable, Equatable {
  /// The version of this layout; `Documentation/Schemas` describes it.
  public var schemaVersion = 2
  /// The heading.
  public var title: String
  /// The models; the first is the baseline.
  public var models: [ModelEvidence]
  /// The tests whether models differ in mAP from the baseline, for models that were scored.
  public var tests: [PairedTest]
  /// What a reader has to know before comparing, a sentence each.
  public var notes: [String]
  /// What the figures were measured on and with.
  public var manifest: ReportManifest
  /// Images on which models find different boxes; drawn, but not written into `report.json`.
  public var disagreements: [Disagreement] = []

  enum CodingKeys: String, CodingKey { case schemaVersion, title, models, tests, notes, manifest }

  /// A report on the given models.
  ///
  /// Differences that make them hard to compare are added to the notes.
  ///
  /// - Precondition: there is at least one.
  public init(
    title: String, models: [ModelEvidence], notes: [String] = [], manifest: ReportManifest
  ) {
    precondition(!models.isEmpty)
    self.title = title
    self.models = models
    tests = models.dropFirst().compactMap { PairedTest(of: $0, against: models[0]) }
    self.notes = notes + Self.differences(models) + Self.idleZeros(models, known: notes)
    self.manifest = manifest
  }

  /// Warns of scored models whose head, preprocessing or thresholds differ from the first one's.
  private static func differences(_ models: [ModelEvidence]) -> [String] {
    let scored = models.filter { $0.accuracy != nil }
    guard let first = scored.first else { return [] }
    return scored.dropFirst().compactMap { model in
      let own = model.settings.filter { !first.settings.contains($0) }
      return own.isEmpty
        ? nil
        : "\(model.name) is scored under other settings than \(first.name): "
          + own.joined(separator: "; ")
    }
  }

  /// Warns of models that have more zeros than the first and cost as many multiply–accumulates.
  private static func idleZeros(_ models: [ModelEvidence], known: [String]) -> [String] {
    guard !known.contains(where: { $0.hasPrefix("Zeros ") }) else { return [] }
    let idle = models.dropFirst().filter {
      $0.sparsity > models[0].sparsity + leastZeros && $0.macs >= models[0].macs
    }
    guard !idle.isEmpty else { return [] }
    return [
      "Zeros bring no speed in runtimes that compute densely, this tool among them: "
        + idle.map(\.name).joined(separator: ", ")
        + " \(idle.count == 1 ? "takes" : "take") as many multiply–accumulates as \(models[0].name)."
    ]
  }

  /// The least fraction of zeros among the parameters that is worth a warning.
  private static let leastZeros = 0.05

  /// The test of a model against the baseline, by the model's index.
  public func test(of index: Int) -> PairedTest? {
    tests.first { $0.model == models[index].name }
  }
}
