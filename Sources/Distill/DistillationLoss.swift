import GraphIR

/// A loss between a student network and its teacher.
public struct DistillationLoss: Sendable {
  /// What a loss compares.
  public enum Subject: String, Sendable, Codable {
    /// The outputs of the heads.
    case head
    /// Feature maps of both networks.
    case features
    /// The boxes that the teacher finds.
    case boxes
  }

  /// A setting of a loss.
  public struct Setting: Sendable {
    /// The name users type.
    public var name: String
    /// What it is.
    public var summary: String
    /// Its default.
    public var value: Double
    /// Its range.
    public var range: ClosedRange<Double>

    /// A setting with the given default.
    public init(
      _ name: String, _ summary: String, _ value: Double, in range: ClosedRange<Double>
    ) {
      (self.name, self.summary, self.value, self.range) = (name, summary, value, range)
    }
  }

  /// The name users type.
  public var name: String
  /// One sentence.
  public var summary: String
  /// Where the loss comes from.
  public var citation: String
  /// What it compares.
  public var subject: Subject
  /// The default weight, chosen such that the loss begins no larger than that of labels.
  public var weight: Double
  /// The settings.
  public var settings: [Setting]
  /// The loss for a pair of networks.
  public var make: @Sendable (DistillationContext) throws -> any DistillationTerm

  /// A loss of the given parts.
  public init(
    name: String, summary: String, citation: String, subject: Subject, weight: Double = 1,
    settings: [Setting] = [],
    make: @escaping @Sendable (DistillationContext) throws -> any DistillationTerm
  ) {
    (self.name, self.summary, self.citation) = (name, summary, citation)
    (self.subject, self.weight, self.settings, self.make) = (subject, weight, settings, make)
  }

  /// Every loss, in the order of help and error texts: those of the library, then added ones.
  public static var all: [DistillationLoss] { builtIn + additions.all }

  /// Adds a loss, which is then found by its name.
  public static func add(_ loss: DistillationLoss) { additions.add(loss) }

  private static let additions = Additions<DistillationLoss>()
  private static let builtIn: [DistillationLoss] = [
    .response, .localization, .topScoreDifference, .earlyStopped, .boxes,
    .hints, .attention, .flow, .selectivity, .linearSelectivity, .gaussianSelectivity, .factors,
    .channelWise, .pearson, .maskedGeneration, .focalAndGlobal,
    .relational, .instanceRelations,
    .adversarialFeatures, .adversarialOutputs,
  ]

  /// The loss with a name.
  public static func named(_ name: String) -> DistillationLoss? { all.first { $0.name == name } }
}

/// A chosen loss with its weight and settings.
public struct DistillationChoice: Codable, Sendable, Equatable {
  /// The loss's name.
  public var loss: String
  /// What it is multiplied by.
  public var weight: Double
  /// Every setting of the loss by name.
  public var settings: [String: Double]

  /// The loss at its defaults.
  public init(_ loss: DistillationLoss) {
    self.loss = loss.name
    weight = loss.weight
    settings = Dictionary(uniqueKeysWithValues: loss.settings.map { ($0.name, $0.value) })
  }

  /// Reads `kd=1:temperature=4,fitnet=0.5`: losses separated by commas, each with an optional
  /// weight and settings.
  ///
  /// - Throws: ``DistillationError`` naming what is not understood, and what is known.
  public static func parse(_ text: String) throws -> [DistillationChoice] {
    var choices: [DistillationChoice] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let choice = try DistillationChoice(parsing: String(part))
      guard !choices.contains(where: { $0.loss == choice.loss }) else {
        throw DistillationError.repeated(choice.loss)
      }
      choices.append(choice)
    }
    return choices
  }

  private init(parsing text: String) throws {
    let fields = text.split(separator: ":", omittingEmptySubsequences: false).map {
      $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    }
    let name = fields[0][0].trimmingSpaces
    guard let loss = DistillationLoss.named(name) else { throw DistillationError.unknown(name) }
    self.init(loss)
    if fields[0].count > 1 {
      guard let value = Double(fields[0][1]), value.isFinite, value > 0 else {
        throw DistillationError.weight(name, found: fields[0][1])
      }
      weight = value
    }
    for field in fields.dropFirst() {
      let key = field[0].trimmingSpaces
      guard let setting = loss.settings.first(where: { $0.name == key }) else {
        throw DistillationError.setting(
          loss: name, name: key, known: loss.settings.map(\.name))
      }
      guard field.count > 1, let value = Double(field[1]), setting.range.contains(value) else {
        throw DistillationError.value(
          loss: name, name: key, range: setting.range, found: field.dropFirst().first ?? "nothing")
      }
      settings[key] = value
    }
  }

  /// The choice as users type it, without the settings that have their defaults.
  public var text: String {
    let defaults = DistillationLoss.named(loss)?.settings ?? []
    let changed = defaults.filter { settings[$0.name] != $0.value }.map {
      ":\($0.name)=\(settings[$0.name] ?? $0.value)"
    }
    return "\(loss)=\(weight)" + changed.joined()
  }
}

extension String {
  /// The text without spaces around it.
  fileprivate var trimmingSpaces: String {
    String(drop(while: { $0 == " " }).reversed().drop(while: { $0 == " " }).reversed())
  }
}
