import ArgumentParser
import Foundation
import Compression
import Prune

/// Which weights become zero.
struct PruningOptions: ParsableArguments {
  @Flag(
    help:
      "Remove whole channels instead of setting single weights to zero; methods that are for channels alone imply it."
  )
  var channels = false

  @Option(
    help: ArgumentHelp(
      "How weights are ranked: "
        + WeightCriterion.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + "; or channels: "
        + ChannelCriterion.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: obs; with a growing --schedule magnitude, with --channels and no images l1)"),
    completion: .list(methodNames))
  var method: String?

  @Option(
    help: ArgumentHelp(
      "Fraction of the prunable weights that are zero afterwards, met to one weight; with channels the fraction of the "
        + "model's parameters that is removed; 0 ..< 1. (default: 0.5)",
      valueName: "fraction"))
  var sparsity: Double?

  @Option(
    help: ArgumentHelp(
      "How the target is shared out: "
        + SparsityScope.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: global, with obs measured)"),
    completion: .list(SparsityScope.all.map(\.name)))
  var scope: String?

  @Option(
    help: ArgumentHelp(
      "Which weights go together: none, N:M (of every M input channels N stay; fixes the sparsity), "
        + "or OxI (blocks of O output and I input channels): \(SparsityPattern.known.joined(separator: ", ")). "
        + "(default: none)"),
    completion: .list(SparsityPattern.known))
  var pattern: String?

  @Option(
    help: ArgumentHelp(
      "Keep a layer whole: a node or weight name, or a glob. May be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "Give a layer a sparsity of its own: a node or weight name, or a glob. May be repeated; the last that fits counts.",
      valueName: "name=fraction"))
  var layerSparsity: [String] = []

  @Flag(
    help:
      "Set weights of first layers and detection outputs to zero too; they are kept whole otherwise."
  )
  var includeEnds = false

  @Option(
    help: ArgumentHelp(
      "How sparsity grows while --epochs of training go on: "
        + SparsitySchedule.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: one-shot)"),
    completion: .list(SparsitySchedule.all.map(\.name)), transform: oneOf("--schedule"))
  var schedule: SparsitySchedule.Kind?

  @Option(
    help: ArgumentHelp(
      "Sparsity at which --schedule agp begins, 0 ..< 1. (default: 0)", valueName: "fraction"))
  var initialSparsity: Double?

  @Option(
    help: ArgumentHelp(
      "When --schedule agp begins and ends, as fractions of training. (default: 0.05,0.7)",
      valueName: "begin,end"))
  var pruneSpan: String?

  @Option(
    help: ArgumentHelp("Rounds of --schedule iterative. (default: 3)", valueName: "count"))
  var pruneRounds: Int?

  @Option(
    help: ArgumentHelp(
      "Steps of training from one growth of the masks to the next. (default: a fiftieth of all)",
      valueName: "steps"))
  var pruneEvery: Int?

  @Option(
    help:
      "The seed of all that is drawn: images, random ranks, what is held out, order. (default: 0)")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Replay a saved plan instead of choosing.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var plan: String?

  @Option(
    help: ArgumentHelp("Save the plan as JSON, with --dry-run too.", valueName: "file"),
    completion: .file())
  var planOut: String?

  mutating func validate() throws {
    if plan != nil && (makesChoices || shapesTraining) {
      throw ValidationError(
        "--plan says which weights go; leave out --method, --sparsity, --scope, --pattern, "
          + "--exclude, --layer-sparsity, --include-ends and --seed.")
    }
    if removesChannels { try checkChannels() } else { _ = try request() }
    _ = try sparsitySchedule()
    try NumberRange.counts.check(("--prune-every", pruneEvery))
  }

  /// The names of all methods, for weights and for channels.
  static let methodNames =
    WeightCriterion.all.map(\.name)
    + ChannelCriterion.all.map(\.name).filter { WeightCriterion.named($0) == nil }

  /// Whether channels are removed rather than weights set to zero.
  var removesChannels: Bool {
    channels
      || method.map { WeightCriterion.named($0) == nil && ChannelCriterion.named($0) != nil }
        ?? false
  }

  /// Whether zeros are made up for by what layers see in images.
  var looksAtImages: Bool {
    !removesChannels && ((try? weightCriterion().needsImages) ?? false)
  }

  /// The criterion for single weights.
  ///
  /// Where none is named, zeros are chosen by second order. While sparsity grows in training,
  /// magnitudes choose, again and again.
  func weightCriterion() throws -> WeightCriterion {
    guard let method else { return growsInTraining ? .magnitude : .secondOrder }
    return try Self.known(
      "--method", method, WeightCriterion.named(method), Self.methodNames)
  }

  /// Whether weights are chosen again while the network is trained.
  var growsInTraining: Bool { schedule == .agp || schedule == .iterative }

  /// The criterion for channels.
  func channelCriterion() throws -> ChannelCriterion {
    let name = method ?? ChannelCriterion.l1.name
    return try Self.known(
      "--method", name, ChannelCriterion.named(name), ChannelCriterion.all.map(\.name))
  }

  /// Refuses what is for single weights.
  private func checkChannels() throws {
    _ = try channelCriterion()
    guard scope == nil, pattern == nil, layerSparsity.isEmpty, !includeEnds else {
      throw ValidationError(
        "--scope, --pattern, --layer-sparsity and --include-ends are for single weights; channels have --allocation."
      )
    }
    guard schedule != .agp, pruneEvery == nil else {
      throw ValidationError("Channels are removed one-shot or in rounds (--schedule iterative).")
    }
    if let sparsity { _ = try Self.fraction("--sparsity", sparsity) }
  }

  /// Whether anything is said of how sparsity grows.
  var shapesTraining: Bool {
    schedule != nil || initialSparsity != nil || pruneSpan != nil || pruneRounds != nil
      || pruneEvery != nil
  }

  /// How sparsity grows.
  func sparsitySchedule() throws -> SparsitySchedule {
    let kind = schedule ?? .oneShot
    guard kind == .agp || initialSparsity == nil && pruneSpan == nil else {
      throw ValidationError("--initial-sparsity and --prune-span are for --schedule agp.")
    }
    guard kind == .iterative || pruneRounds == nil else {
      throw ValidationError("--prune-rounds is for --schedule iterative.")
    }
    switch kind {
    case .agp:
      let span = try pruneSpan.map(Self.span) ?? (0.05, 0.7)
      return .agp(
        initial: try initialSparsity.map { try Self.fraction("--initial-sparsity", $0) } ?? 0,
        begin: span.0, end: span.1)
    case .iterative:
      let rounds = pruneRounds ?? 3
      try NumberRange.repetitions.check(("--prune-rounds", rounds))
      return .iterative(rounds: rounds)
    case .oneShot: return .oneShot
    }
  }

  private static func span(_ text: String) throws -> (Double, Double) {
    let parts = text.split(separator: ",").compactMap { Double($0) }
    guard parts.count == 2, 0 <= parts[0], parts[0] < parts[1], parts[1] <= 1 else {
      throw ValidationError(
        "--prune-span takes two fractions such as 0.05,0.7, found '\(text)'.")
    }
    return (parts[0], parts[1])
  }

  private var makesChoices: Bool {
    channels || method != nil || sparsity != nil || scope != nil || pattern != nil
      || !exclude.isEmpty
      || !layerSparsity.isEmpty || includeEnds || seed != nil
  }

  /// What the options ask for.
  func request() throws -> PruningRequest {
    var request = PruningRequest()
    request.criterion = try weightCriterion()
    if request.criterion.needsImages { request.scope = .measured }
    if let scope {
      request.scope = try Self.known(
        "--scope", scope, SparsityScope.named(scope), SparsityScope.all.map(\.name))
    }
    if let pattern {
      request.pattern = try Self.known(
        "--pattern", pattern, SparsityPattern(pattern), SparsityPattern.known)
    }
    if let sparsity { request.sparsity = try Self.fraction("--sparsity", sparsity) }
    request.overrides = try layerSparsity.map(Self.layer)
    request.excluded = exclude.map { NamePattern($0) }
    request.keepsEnds = !includeEnds
    request.seed = seed ?? 0
    try checkFixedSparsity(request.pattern)
    return request
  }

  private func checkFixedSparsity(_ pattern: SparsityPattern) throws {
    guard let fixed = pattern.sparsity else { return }
    if let sparsity, sparsity != fixed {
      throw ValidationError(
        "--pattern \(pattern) fixes the sparsity at \(fixed); leave out --sparsity \(sparsity).")
    }
    if scope != nil || !layerSparsity.isEmpty {
      throw ValidationError(
        "--pattern \(pattern) fixes the sparsity of every layer; leave out --scope and --layer-sparsity."
      )
    }
  }

  private static func known<Value>(
    _ flag: String, _ text: String, _ value: Value?, _ names: [String]
  ) throws -> Value {
    guard let value else {
      throw ValidationError("\(flag) takes \(names.joined(separator: ", ")), found '\(text)'.")
    }
    return value
  }

  private static func fraction(_ flag: String, _ value: Double) throws -> Double {
    guard value >= 0, value < 1 else {
      throw ValidationError("\(flag) must be at least 0 and below 1, found \(value).")
    }
    return value
  }

  private static func layer(_ text: String) throws -> (layers: NamePattern, sparsity: Double) {
    guard let place = text.lastIndex(of: "="), place != text.startIndex,
      let value = Double(text[text.index(after: place)...])
    else { throw ValidationError("--layer-sparsity takes NAME=0.5, found '\(text)'.") }
    return (NamePattern(String(text[..<place])), try fraction("--layer-sparsity", value))
  }
}
