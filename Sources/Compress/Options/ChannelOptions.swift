import ArgumentParser
import Compression
import Formats
import Foundation
import Prune
import Training

/// Which channels are removed, and what makes up for them.
struct ChannelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How a cut of channels is shared out: "
        + ChannelAllocation.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ", measured (what does the least damage to what the detector finds, measured first on images), "
        + "sensitivity (as much of each layer as does the same damage, by --sensitivity). (default: measured with obs and lasso, else global)"
    ), completion: .list(ChannelAllocation.Kind.allCases.map(\.rawValue)),
    transform: oneOf("--allocation"))
  var allocation: ChannelAllocation.Kind?

  @Option(
    help: ArgumentHelp(
      "Fraction of the channels that may go which goes, in place of --sparsity, which is that of the parameters.",
      valueName: "fraction"))
  var channelRatio: Double?

  @Option(
    help: ArgumentHelp(
      "MACs of the result: a fraction of the model's below 1, or a number such as 300M or 0.4G.",
      valueName: "macs"))
  var targetMacs: String?

  @Option(
    help: ArgumentHelp(
      "Median latency of the result on this machine, in milliseconds, with --threads.",
      valueName: "ms"))
  var targetLatency: Double?

  @Option(
    help: ArgumentHelp(
      "Keep channels in multiples of this. (default: 1)", valueName: "count"))
  var roundTo: Int?

  @Option(
    help: ArgumentHelp(
      "The least fraction of each layer's channels that stays; never fewer than one. (default: 0.1)",
      valueName: "fraction"))
  var keepRatio: Double?

  @Option(
    help: ArgumentHelp(
      "Images to look at, labelled or not: to choose and refit weights, and with channels for activations, compensation, normalisation and the proof. A folder, or a set in the forms of --data. (default: those to train on)",
      valueName: "path"))
  var calib: String?

  @Option(
    help: ArgumentHelp("How many of them. (default: 128; with channels 64)", valueName: "count"))
  var calibCount: Int?

  @Flag(
    help:
      "Do not give readers of removed channels their mean, nor measure normalisations anew."
  )
  var noCompensation = false

  @Option(
    help: ArgumentHelp(
      "A file of inspect --sensitivity, for --allocation sensitivity.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var sensitivity: String?

  @Option(
    help: ArgumentHelp(
      "Epochs of training with a pull of all γ towards zero before channels are chosen (Network Slimming).",
      valueName: "epochs"))
  var sparsityTrain: Int?

  @Option(
    help: ArgumentHelp(
      "Strength of that pull: λ in the loss + λ · Σ |γ|. (default: 0.0001)", valueName: "strength"))
  var lambda: Float?

  @Flag(
    help:
      "Put batch normalisations back behind convolutions first, calibrated so that nothing changes."
  )
  var insertBatchnorm = false

  /// Whether anything is said that is for channels alone.
  var isSet: Bool {
    allocation != nil || channelRatio != nil || targetMacs != nil || targetLatency != nil
      || roundTo != nil || keepRatio != nil || calib != nil || calibCount != nil || noCompensation
      || sensitivity != nil || sparsityTrain != nil || lambda != nil || insertBatchnorm
  }

  /// Whether the network is altered by training images before channels are chosen.
  var preparesByTraining: Bool { sparsityTrain != nil || insertBatchnorm }

  /// Whether nothing but the images to look at is named.
  var namesImagesAlone: Bool {
    var rest = self
    (rest.calib, rest.calibCount) = (nil, nil)
    return !rest.isSet
  }

  mutating func validate() throws {
    if (allocation == .sensitivity) != (sensitivity != nil) {
      throw ValidationError("--allocation sensitivity and --sensitivity FILE go together.")
    }
    for (flag, value) in [("--channel-ratio", channelRatio), ("--keep-ratio", keepRatio)] {
      if let value, !(0..<1).contains(value) {
        throw ValidationError("\(flag) must be at least 0 and below 1, found \(value).")
      }
    }
    try NumberRange.counts.check(
      ("--round-to", roundTo), ("--calib-count", calibCount), ("--sparsity-train", sparsityTrain))
    if let targetLatency, !(targetLatency > 0 && targetLatency.isFinite) {
      throw ValidationError("--target-latency must be above 0, found \(targetLatency).")
    }
    if let lambda, !(lambda >= 0 && lambda.isFinite) {
      throw ValidationError("--lambda must be at least 0, found \(lambda).")
    }
    if lambda != nil, sparsityTrain == nil {
      throw ValidationError("--lambda is for --sparsity-train.")
    }
    if [channelRatio != nil, targetMacs != nil, targetLatency != nil].count(where: { $0 }) > 1 {
      throw ValidationError("Give one of --channel-ratio, --target-macs and --target-latency.")
    }
    if let targetMacs { _ = try Self.budget(targetMacs) }
  }

  /// The budget of MACs that a text stands for.
  static func budget(_ text: String) throws -> MACBudget {
    guard let budget = MACBudget(text) else {
      throw ValidationError("--target-macs takes 0.5, 300M or 0.4G, found '\(text)'.")
    }
    return budget
  }

  /// What the options ask for.
  ///
  /// - Parameter trains: Whether the network is trained after each cut.
  func configuration(
    _ pruning: PruningOptions, training: DetectorTraining.Settings, trains: Bool
  ) throws -> ChannelPruning.Configuration {
    var configuration = ChannelPruning.Configuration(
      criterion: try pruning.channelCriterion(), target: try target(pruning.sparsity ?? 0.5),
      seed: pruning.seed ?? 0)
    configuration.request.multiple = roundTo ?? 1
    configuration.request.leastKept = keepRatio ?? 0.1
    configuration.request.allocation = allocation.flatMap(ChannelAllocation.of) ?? .global
    configuration.measuresDamage =
      allocation.map { $0 == .measured } ?? configuration.criterion.need.refits
    configuration.sensitivity = try sensitivity.map {
      try JSONFile.read(ChannelSensitivity.self, from: $0, kind: "file of inspect --sensitivity")
    }
    // The curves find their layers once the channels are known.
    if configuration.sensitivity != nil { configuration.request.allocation = .sensitivity([:]) }
    configuration.rounds =
      pruning.schedule == .iterative && trains ? pruning.pruneRounds ?? 3 : 1
    configuration.excluded = pruning.exclude.map { NamePattern($0) }
    configuration.compensates = !noCompensation
    configuration.insertsBatchNormalization = insertBatchnorm
    configuration.slimming = sparsityTrain.map { .init(epochs: $0, strength: lambda ?? 1e-4) }
    configuration.training = training
    return configuration
  }

  /// How far channels are cut.
  private func target(_ sparsity: Double) throws -> ChannelTarget {
    if let channelRatio { return .channels(channelRatio) }
    if let targetMacs { return .macs(try Self.budget(targetMacs)) }
    if let targetLatency { return .latency(targetLatency) }
    return .sparsity(sparsity)
  }
}
