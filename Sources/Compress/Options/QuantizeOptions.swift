import ArgumentParser
import Compression
import ObjectDetection
import Quantize

/// How a network is quantised.
struct QuantizeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Images to calibrate with: a folder, or a set in the forms of --data; dead-leaves draws some. (default: the embedded training scenes for the embedded detector)",
      valueName: "path"))
  var calib: String?

  @Option(help: ArgumentHelp("How many of them. (default: 128)", valueName: "count"))
  var calibCount: Int?

  @Option(
    help: ArgumentHelp(
      "How ranges of activations are chosen: "
        + Observer.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")
        + ". (default: mse)", valueName: "observer"),
    completion: .list(Observer.all.map(\.name)))
  var observer: String?

  @Option(
    help: ArgumentHelp(
      "Keep what calibration saw in this file, from which an interrupted run goes on and another observer starts.",
      valueName: "file"), completion: .file())
  var calibState: String?

  @Flag(
    help:
      "Use no images: ranges from what normalisations say, else from drawn images; biases corrected by what normalisations say."
  )
  var dataFree = false

  @Option(
    help: ArgumentHelp(
      "Bits of weights and activations, 2 … 8, kept in 8-bit integers; auto takes the fewest for which mAP falls by at most --margin. (default: 8)",
      valueName: "bits"),
    transform: { text in
      guard let bits = BitChoice(text) else {
        throw ValidationError("--bits takes a number from 2 to 8 or auto, found '\(text)'.")
      }
      return bits
    })
  var bits: BitChoice?

  @Option(
    help: ArgumentHelp(
      "The mAP, 0…1, that --bits auto may cost. (default: \(Self.defaultMargin))",
      valueName: "part"))
  var margin: Double?

  @Option(help: ArgumentHelp("Bits of weights alone, 2 … 8.", valueName: "bits"))
  var weightBits: Int?

  @Option(help: ArgumentHelp("Bits of activations alone, 2 … 8.", valueName: "bits"))
  var activationBits: Int?

  @Flag(help: "One scale for all output channels of a weight.")
  var perTensor = false

  @Flag(help: "Map activations so that 0 lies in the middle, where they have negative parts.")
  var symmetric = false

  @Flag(help: "Scales that are powers of two (dynamic fixed point).")
  var powerOfTwo = false

  @Option(
    help: ArgumentHelp(
      "Weights as multiples of their scale (uniform) or as ± powers of two times it (log2). (default: uniform)",
      valueName: "grid"),
    completion: .list(QuantizationScheme.WeightGrid.allCases.map(\.rawValue)),
    transform: oneOf("--weight-grid"))
  var weightGrid: QuantizationScheme.WeightGrid?

  @Option(
    help: ArgumentHelp(
      "The CPUs to quantise for: any (no sum of products saturates on any; weights keep all bits where none can), "
        + "x86-avx2 (the same), x86-vnni or arm (8-bit weights everywhere), cpu (the one at hand). (default: any)",
      valueName: "cpus"), completion: .list(QuantizationTarget.allCases.map(\.rawValue)),
    transform: oneOf("--target"))
  var target: QuantizationTarget?

  @Flag(help: "Weights of 7 bits in all layers, for CPUs without VNNI.")
  var reduceRange = false

  @Option(
    help: ArgumentHelp(
      "Leave a node float: its name, its output or a glob. May be repeated.", valueName: "glob"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "Quantise a node after the last layers that would stay float: its name, its output or a glob. May be repeated.",
      valueName: "glob"))
  var include: [String] = []

  @Option(
    help: ArgumentHelp(
      "Share ranges out between convolutions with ReLU, LeakyReLU or nothing between them, by activations, by weights, or not at all: activations, weights, none. (default: weights)",
      valueName: "kind"),
    completion: .list(EqualizationKind.allCases.map(\.rawValue)), transform: oneOf("--equalize"))
  var equalize: EqualizationKind?

  @Option(
    help: ArgumentHelp(
      "Move biases so that layers answer in the mean what they answered before: local (each layer by itself, in one pass), sequential (layer by layer, reading what the corrected ones before it answer; slow), or none. (default: local)",
      valueName: "kind"), completion: .list(BiasCorrectionKind.allCases.map(\.rawValue)))
  var biasCorrection: BiasCorrectionKind?

  @Flag(help: "Make ReLU of ReLU6 first, so that ranges can be shared out across it.")
  var replaceRelu6 = false

  @Option(
    help: ArgumentHelp(
      "How weights are rounded: nearest, or adaptive (learnt up or down, layer by layer, so that layers answer as they did).",
      valueName: "kind"), completion: .list(WeightRounding.allCases.map(\.rawValue)))
  var rounding: WeightRounding = .nearest

  @Option(
    help: ArgumentHelp(
      "Train on for so many epochs by QAT, scales included; the same as --epochs.",
      valueName: "epochs"))
  var finetune: Int?

  @Option(
    help: ArgumentHelp(
      "The form of the file: qdq (QuantizeLinear and DequantizeLinear around float operators) or qoperator (QLinearConv and its kin).",
      valueName: "form"), completion: .list(Form.allCases.map(\.rawValue)))
  var form: Form = .qdq

  @Flag(
    help:
      "Score the model also as CPUs without VNNI would run it, whose 16-bit sums of products saturate."
  )
  var simulateSaturation = false

  @Option(
    help: ArgumentHelp(
      "Keep a layer float when quantising it alone changes the raw head maps by more than this part of their variance; inf keeps none. (default: \(Self.defaultDamage))",
      valueName: "part"))
  var maxDamage: Double?

  @Flag(help: "List the layers by what quantising each alone does to the raw head maps.")
  var sensitivity = false

  @Option(
    help: ArgumentHelp(
      "What --max-drop counts in: absolute (points of mAP, 0…1) or relative (a part of the float model's mAP). (default: absolute)",
      valueName: "type"), completion: .list(AccuracyDrop.Unit.allCases.map(\.rawValue)),
    transform: oneOf("--drop-type"))
  var dropType: AccuracyDrop.Unit?

  @Option(
    help: ArgumentHelp(
      "What training, learnt rounding and drawn images draw with.",
      valueName: "number"))
  var seed: UInt64 = 0

  @Option(
    help: ArgumentHelp("Use the ranges of a saved plan.", valueName: "file"),
    completion: .file(extensions: ["json"]))
  var plan: String?

  @Option(
    help: ArgumentHelp("Save the plan as JSON, with --dry-run too.", valueName: "file"),
    completion: .file())
  var planOut: String?

  mutating func validate() throws {
    _ = try chosenObserver()
    if isAutomatic, weightBits != nil || activationBits != nil || plan != nil {
      throw ValidationError(
        "--bits auto chooses the bits; leave out --weight-bits, --activation-bits and --plan.")
    }
    if margin != nil, !isAutomatic { throw ValidationError("--margin goes with --bits auto.") }
    if let margin, !(0...1).contains(margin) {
      throw ValidationError("--margin must lie between 0 and 1, found \(margin).")
    }
    if dataFree, calib != nil || calibState != nil {
      throw ValidationError("--data-free uses no images; leave out --calib and --calib-state.")
    }
    try NumberRange.countsOrNone.check(("--finetune", finetune))
    if rounding == .adaptive, weightGrid == .log2 {
      throw ValidationError("--rounding adaptive needs the uniform grid of weights.")
    }
    try NumberRange.bits.check(
      ("--bits", bits?.number), ("--weight-bits", weightBits),
      ("--activation-bits", activationBits))
    try NumberRange.counts.check(("--calib-count", calibCount))
    if let maxDamage, !(maxDamage > 0) {
      throw ValidationError("--max-damage must be above 0, found \(maxDamage).")
    }
    if plan != nil, sensitivity {
      throw ValidationError("--sensitivity looks at images: give --calib, not --plan.")
    }
    if plan != nil, calib != nil || observer != nil || setsScheme || choosesLayers {
      throw ValidationError(
        "--plan says what is quantised, how and in which ranges; leave out --calib, --observer and what they go with."
      )
    }
  }

  private var choosesLayers: Bool {
    !exclude.isEmpty || !include.isEmpty || equalize != nil || maxDamage != nil
      || biasCorrection != nil
      || dataFree || replaceRelu6 || rounding != .nearest
  }

  private var setsScheme: Bool {
    bits != nil || weightBits != nil || activationBits != nil || weightGrid != nil || perTensor
      || symmetric || powerOfTwo || reduceRange || target != nil
  }

  /// How a file says that layers compute on integers.
  enum Form: String, CaseIterable, ExpressibleByArgument { case qdq, qoperator }

  /// The loss of mAP that automatic bit widths may cost.
  static let defaultMargin = 0.01

  /// Whether the bits are to be found.
  var isAutomatic: Bool { bits == .automatic }

  /// The part of the head maps' variance that one layer may cost.
  static let defaultDamage = 0.1

  /// The observer.
  func chosenObserver() throws -> Observer {
    guard let found = Observer.named(observer ?? "mse") else {
      throw ValidationError(
        "--observer takes \(Observer.all.map(\.name).joined(separator: ", ")) or percentile=P, "
          + "found '\(observer ?? "")'.")
    }
    return found
  }

  /// The scheme.
  ///
  /// - Parameter trains: Whether weights are trained once they are quantised. Where they go is not
  ///   known then, and 7 bits keep their sums from saturating.
  func scheme(trains: Bool) -> QuantizationScheme {
    var scheme = QuantizationScheme()
    let both = bits?.number ?? 8
    scheme.weightBits = weightBits ?? both
    scheme.activationBits = activationBits ?? both
    scheme.perChannel = !perTensor
    scheme.symmetricActivations = symmetric
    scheme.powerOfTwo = powerOfTwo
    let isSafe = (target ?? .any).saturates
    scheme.reduceRange = reduceRange || isSafe && trains
    scheme.avoidsSaturation = isSafe && !scheme.reduceRange
    if let weightGrid { scheme.weightGrid = weightGrid }
    return scheme
  }

  /// What the options ask for.
  ///
  /// - Parameters:
  ///   - drop: The bound on the loss of mAP; `nil` for none.
  ///   - trains: Whether weights are trained once they are quantised.
  func configuration(
    model: String, drop: Double?, trains: Bool
  ) throws -> Quantization.Configuration {
    var configuration = Quantization.Configuration()
    configuration.scheme = scheme(trains: trains)
    configuration.observer = try chosenObserver()
    configuration.excluded = exclude.map { NamePattern($0) }
    configuration.included = include.map { NamePattern($0) }
    configuration.equalization = equalize ?? .weights
    configuration.biasCorrection = biasCorrection ?? .local
    configuration.rounding = rounding
    configuration.replacesReLU6 = replaceRelu6
    configuration.isDataFree = dataFree
    configuration.mostDamage = maxDamage ?? Self.defaultDamage
    configuration.measuresSensitivity = sensitivity
    configuration.drop = drop.map { AccuracyDrop($0, dropType ?? .absolute) }
    configuration.bitsMargin = isAutomatic ? margin ?? Self.defaultMargin : nil
    configuration.seed = seed
    configuration.state = calibState.map { .init(path: $0, model: model) }
    configuration.reasons.excluded = "--exclude names it"
    configuration.reasons.included = "--include names it"
    configuration.reasons.accuracy = "quantising it costs more accuracy than --max-drop allows"
    configuration.reasons.damage =
      "quantising it alone changes the raw head maps by more than --max-damage"
    return configuration
  }

  /// What `--calib` calls drawn images.
  private static let deadLeaves = "dead-leaves"

  /// Whether the images to look at are drawn.
  private var drawsImages: Bool { dataFree || calib == Self.deadLeaves }

  /// The images to calibrate with.
  ///
  /// - Parameter learning: Those to take where none are named; `nil` for none.
  func calibration(_ learning: Dataset?, _ common: CommonOptions) throws -> CalibrationChoice {
    let count = calibCount ?? (dataFree ? CalibrationChoice.drawnImages : 128)
    return try CalibrationChoice(
      path: drawsImages ? nil : calib,
      otherwise: drawsImages
        ? CalibrationChoice.drawn(count, seed: seed) : learning,
      count: count, common: common)
  }
}

extension WeightRounding: ExpressibleByArgument {}
extension BiasCorrectionKind: ExpressibleByArgument {}
