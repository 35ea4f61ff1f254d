import ArgumentParser
import Foundation
import Compression
import LowRank
import Training

/// How layers are factorised.
struct LowRankOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How layers are replaced; of several, with commas between, the first that takes a layer: "
        + LowRankMethod.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: svd,spatial-svd)", valueName: "method"),
    completion: .list(LowRankMethod.all.map(\.name)))
  var method: String?

  @Option(
    help: ArgumentHelp(
      "The rank of each layer: "
        + RankRuleForm.all.map { "\($0.form) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: auto)", valueName: "rule"))
  var rank: String?

  @Option(
    help: ArgumentHelp(
      "Choose ranks so that this fraction of the model's parameters goes, 0 ..< 1.",
      valueName: "fraction"))
  var sparsity: Double?

  @Option(
    help: ArgumentHelp(
      "Choose ranks so that the result has at most so many MACs: a fraction of the model's below 1, or a number such as 300M or 0.4G.",
      valueName: "macs"))
  var targetMacs: String?

  @Option(
    help: ArgumentHelp(
      "What such a budget is shared out by: error (of the weights) or sensitivity (what each layer alone does to the "
        + "outputs, or to mAP with --measure mAP). (default: error)", valueName: "allocation"),
    completion: .list(RankAllocation.allCases.map(\.rawValue)),
    transform: oneOf("--allocation"))
  var allocation: RankAllocation?

  @Option(
    help: ArgumentHelp(
      "What sensitivity is: output (relative error of the outputs on the calibration images) or mAP (of --data). (default: output)",
      valueName: "measure"), completion: .list(SensitivityMeter.Measure.allCases.map(\.rawValue)),
    transform: oneOf("--measure"))
  var measure: SensitivityMeter.Measure?

  @Option(
    help: ArgumentHelp(
      "Keep measured sensitivities in this file and go on from what it holds.", valueName: "file"),
    completion: .file())
  var sensitivity: String?

  @Option(
    help: ArgumentHelp(
      "What a layer must gain to be factorised: latency (measured on this machine with --threads), macs or parameters. (default: latency)",
      valueName: "quantity"), completion: .list(GainQuantity.allCases.map(\.rawValue)),
    transform: oneOf("--gain"))
  var gain: GainQuantity?

  @Option(
    help: ArgumentHelp(
      "The least part of that quantity that must be gained, 0 ..< 1. (default: 0)",
      valueName: "fraction"))
  var minGain: Double?

  @Option(
    help: ArgumentHelp(
      "Ranks that are channels, in multiples of this. (default: 8)", valueName: "count"))
  var roundTo: Int?

  @Option(
    help: ArgumentHelp(
      "Leave a layer whole: a node or weight name, or a glob. May be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Flag(help: "Factorise first layers and detection outputs too; they stay whole otherwise.")
  var includeEnds = false

  @Option(
    help: ArgumentHelp(
      "What of each layer is refitted to the original's responses on the calibration images: none, bias, least-squares (its last stage). (default: least-squares)",
      valueName: "kind"),
    completion: .list(ResponseCorrection.Kind.allCases.map(\.rawValue)),
    transform: oneOf("--correction"))
  var correction: ResponseCorrection.Kind?

  @Option(
    help: ArgumentHelp(
      "Images to look at for responses and the proof: a folder, or a set in the forms of --data. (default: those to train on)",
      valueName: "path"))
  var calib: String?

  @Option(help: ArgumentHelp("How many of them. (default: 64)", valueName: "count"))
  var calibCount: Int?

  @Option(
    help: ArgumentHelp("Sweeps of alternating methods. (default: 100)", valueName: "count"))
  var iterations: Int?

  @Option(
    help: ArgumentHelp("Starts of cp, the best of which counts. (default: 2)", valueName: "count"))
  var starts: Int?

  @Flag(
    help:
      "Put batch normalisations between the stages, calibrated so that nothing changes (Tai et al. 2016)."
  )
  var batchnormBetween = false

  @Flag(
    help: "Draw all weights anew once the layers are replaced, to train from nothing.")
  var fromScratch = false

  @Option(help: "The seed of random starts and of training. (default: 0)")
  var seed: UInt64?

  @Option(
    help: ArgumentHelp("Use the ranks of a saved plan.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var plan: String?

  @Option(
    help: ArgumentHelp("Save the plan as JSON, with --dry-run too.", valueName: "file"),
    completion: .file())
  var planOut: String?

  mutating func validate() throws {
    _ = try methods()
    _ = try rule()
    guard [rank != nil, sparsity != nil, targetMacs != nil].count(where: { $0 }) <= 1 else {
      throw ValidationError("Give one of --rank, --sparsity and --target-macs.")
    }
    if let targetMacs { _ = try ChannelOptions.budget(targetMacs) }
    for (flag, value) in [("--sparsity", sparsity), ("--min-gain", minGain)] {
      if let value, !(0..<1).contains(value) {
        throw ValidationError("\(flag) must be at least 0 and below 1, found \(value).")
      }
    }
    try NumberRange.counts.check(
      ("--round-to", roundTo), ("--calib-count", calibCount), ("--iterations", iterations),
      ("--starts", starts))
    if allocation == .sensitivity, sparsity == nil, targetMacs == nil {
      throw ValidationError(
        "--allocation sensitivity shares a budget out: give --target-macs or --sparsity.")
    }
    if allocation != .sensitivity, measure != nil || sensitivity != nil {
      throw ValidationError("--measure and --sensitivity are for --allocation sensitivity.")
    }
    if plan != nil, rank != nil || sparsity != nil || targetMacs != nil || method != nil {
      throw ValidationError(
        "--plan says which ranks are taken; leave out --method, --rank, --sparsity and --target-macs."
      )
    }
  }

  /// The methods, in order.
  func methods() throws -> [LowRankMethod] {
    try (method ?? "svd,spatial-svd").split(separator: ",", omittingEmptySubsequences: false).map {
      guard let found = LowRankMethod.named(String($0)) else {
        throw ValidationError(
          "--method takes \(LowRankMethod.all.map(\.name).joined(separator: ", ")), found '\($0)'.")
      }
      return found
    }
  }

  /// How ranks are chosen where no budget is given.
  func rule() throws -> RankRule {
    let text = rank ?? "auto"
    guard let rule = RankRule(text) else {
      throw ValidationError(
        "--rank takes auto, energy=0.95, ratio=0.5 or a number, found '\(text)'.")
    }
    return rule
  }

  /// What the options ask for.
  func configuration(
    training: DetectorTraining.Settings
  ) throws -> LowRankFactorization.Configuration {
    var configuration = LowRankFactorization.Configuration(try target(), seed: seed ?? 0)
    configuration.methods = try methods()
    configuration.allocation = allocation ?? .error
    configuration.measure = measure ?? .output
    configuration.sensitivityFile = sensitivity
    configuration.gain = gain ?? .latency
    configuration.leastGain = minGain ?? 0
    configuration.multiple = roundTo ?? 8
    configuration.excluded = exclude.map { NamePattern($0) }
    configuration.keepsEnds = !includeEnds
    configuration.correction = correction ?? .leastSquares
    configuration.iterations = iterations ?? 100
    configuration.starts = starts ?? 2
    configuration.normalizesBetween = batchnormBetween
    configuration.isFromScratch = fromScratch
    configuration.training = training
    return configuration
  }

  private func target() throws -> RankTarget {
    if let sparsity { return .sparsity(sparsity) }
    if let targetMacs { return .macs(try ChannelOptions.budget(targetMacs)) }
    return .rule(try rule())
  }
}
