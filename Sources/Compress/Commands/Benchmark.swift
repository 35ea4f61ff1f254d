import ArgumentParser
import Evidence
import Execution
import Formats
import Foundation
import GraphIR
import ObjectDetection
import Operators
import Tensors
import Training

/// `compress benchmark`: how long a model takes on this machine.
struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time a model on this machine.")

  @Argument(
    help: "The model file. (default: the embedded detector)", completion: .file())
  var model: String?

  @Option(help: "Runs that are not counted.")
  var warmup = 5

  @Option(help: "The fewest runs that are counted.")
  var runs = 20

  @Option(help: "Seconds to go on for at least.")
  var seconds = 0.0

  @Flag(help: "Time each layer.")
  var profile = false

  @Flag(help: "Time training steps instead of inference.")
  var training = false

  @Flag(
    help: "With --training, compute activations again on the way back instead of keeping them.")
  var recompute = false

  @OptionGroup(title: "Input") var inputs: InputOptions
  @OptionGroup(title: "Common") var common: CommonOptions

  func validate() throws {
    try NumberRange.countsOrNone.check(("--warmup", warmup))
    try NumberRange.counts.check(("--runs", runs))
    guard seconds >= 0, seconds <= 3600 else {
      throw ValidationError("--seconds must lie between 0 and 3600, found \(seconds).")
    }
    guard training || !recompute else {
      throw ValidationError("--recompute is for --training.")
    }
  }

  func run() throws {
    let memoryBeforeLoad = Machine.peakMemoryBytes
    let name = model.map { URL(filePath: $0).lastPathComponent } ?? EmbeddedDetector.name
    let stored =
      try model.map { try ModelFile.load(URL(filePath: $0)) } ?? ModelArtifact(nil).stored
    try ModelError.naming(model ?? name) {
      let values = try inputs.values()
      try values.check([stored])
      let sized = try values.imageSize.map { try stored.resized(to: $0) } ?? stored
      var graph = try BoundInputs(sized, values).applied(to: sized)
      try run(graph.taken(), name, memoryBeforeLoad, shapes: values.shapes)
    }
  }

  private func run(
    _ graph: consuming Graph, _ name: String, _ memoryBeforeLoad: Int, shapes: [String: [Int]]
  ) throws {
    InputShapes.announce(graph, given: shapes, log: common.logger)
    let clock = ContinuousClock()
    let start = clock.now
    let subject = try Subject(
      graph, shapes: shapes, threads: common.threadCount,
      kind: training ? .training(recomputes: recompute) : .inference)
    let preparation = clock.now - start
    let bar = ProgressBar(
      "timing", total: warmup + runs, unit: "runs", isShown: common.showsProgress)
    var done = 0
    let latency = try LatencyStatistics.measure(
      warmUp: warmup, runs: runs, duration: .seconds(seconds)
    ) {
      try subject.run(profiled: false)
      done += 1
      bar.update(done)
    }
    bar.finish()
    if profile { for _ in 0..<max(runs, 10) { try subject.run(profiled: true) } }
    let result = Result(
      model: name, cpu: Machine.cpu, threads: common.threadCount,
      isTraining: training,
      inputs: subject.inputs.map { "\($0.name) \($0.type)" },
      preparationMilliseconds: preparation / .milliseconds(1), latency: latency,
      framesPerSecond: latency.perSecond, memoryBeforeLoadBytes: memoryBeforeLoad,
      peakMemoryBytes: Machine.peakMemoryBytes,
      activationBytes: subject.arenaBytes,
      layers: profile ? layers(subject, runs: max(runs, 10)) : nil)
    try show(result)
  }

  private func layers(_ subject: Subject, runs: Int) -> [LayerTime] {
    let total = subject.profile.reduce(Duration.zero) { $0 + $1.duration }
    return subject.profile.map { step in
      let name = step.name.isEmpty ? step.output : step.name
      let milliseconds = step.duration / .milliseconds(1) / Double(runs)
      return LayerTime(
        name: name, opType: step.opType, algorithm: step.algorithm, milliseconds: milliseconds,
        share: total > .zero ? step.duration / total : 0, macs: step.macs,
        gmacsPerSecond: milliseconds > 0 ? Double(step.macs) / milliseconds / 1e6 : 0)
    }
  }

  private func show(_ result: Result) throws {
    if common.format == .json { return try Console.json(result) }
    let l = result.latency
    var table = Table([("", .left), ("", .right)])
    for (name, value) in [
      ("model", result.model), ("run", result.isTraining ? "training step" : "inference"),
      ("CPU", result.cpu), ("threads", "\(result.threads)"),
      ("preparation", Format.milliseconds(result.preparationMilliseconds)),
      ("latency, median", Format.milliseconds(l.median)), ("p90", Format.milliseconds(l.p90)),
      ("min", Format.milliseconds(l.min)), ("max", Format.milliseconds(l.max)),
      ("runs", "\(l.runs)"), ("frames a second", String(format: "%.1f", l.perSecond)),
      ("activations", Format.megabytes(result.activationBytes)),
      ("peak memory", Format.megabytes(result.peakMemoryBytes)),
      (
        "of which the model's",
        Format.megabytes(result.peakMemoryBytes - result.memoryBeforeLoadBytes)
      ),
    ] { table.append([name, value]) }
    Console.result(table.text.trimmingCharacters(in: .newlines))
    guard let layers = result.layers else { return }
    var profile = Table([
      ("layer", .left), ("operator", .left), ("algorithm", .left), ("ms", .right),
      ("share", .right), ("GMAC/s", .right),
    ])
    for layer in layers.sorted(by: { $0.milliseconds > $1.milliseconds }) {
      profile.append([
        String(layer.name.suffix(40)), layer.opType, layer.algorithm,
        String(format: "%.3f", layer.milliseconds), Format.percent(layer.share),
        layer.macs > 0 ? String(format: "%.1f", layer.gmacsPerSecond) : "",
      ])
    }
    Console.result("\n" + profile.text)
  }

  private struct LayerTime: Encodable {
    var name: String
    var opType: String
    var algorithm: String
    var milliseconds: Double
    var share: Double
    var macs: Int
    var gmacsPerSecond: Double
  }

  private struct Result: Encodable {
    var schemaVersion = 1
    var model: String
    var cpu: String
    var threads: Int
    var isTraining: Bool
    var inputs: [String]
    var preparationMilliseconds: Double
    var latency: LatencyStatistics
    var framesPerSecond: Double
    var memoryBeforeLoadBytes: Int
    var peakMemoryBytes: Int
    var activationBytes: Int
    var layers: [LayerTime]?
  }
}

/// What is timed: a session, or a step of training with the update after it.
private struct Subject {
  let inputs: [(name: String, type: TensorType)]
  private let session: Session?
  private let step: BenchmarkStep?

  enum Kind {
    case inference
    case training(recomputes: Bool)
  }

  init(_ graph: consuming Graph, shapes: [String: [Int]], threads: Int, kind: Kind) throws {
    guard case .training(let recomputes) = kind else {
      let session = try Session(
        graph, registry: .standard,
        options: SessionOptions(
          threads: threads, inputShapes: shapes, passes: StandardRewrites.inference))
      session.fillInputs()
      (self.session, step, inputs) = (session, nil, session.inputs)
      return
    }
    inputs = try graph.concreteInputTypes(shapes).map { (name: $0.0, type: $0.1) }
    guard let first = inputs.first, inputs.count == 1, let batch = first.type.shape.first,
      let image = ImageInput(
        name: first.name,
        type: TensorType(first.type.elementType, [1] + first.type.shape.dropFirst()))
    else { throw TrainingError.noImageInput(found: inputs.map(\.name)) }
    var options = TrainingStep.Options(
      batchSize: batch, imageSize: (image.height, image.width),
      engine: Engine(threads: threads))
    options.recomputes = recomputes
    (session, step) = (nil, try BenchmarkStep(graph.widened(), options: options))
  }

  func run(profiled: Bool) throws {
    if let step { return try step.run(profiled: profiled) }
    if profiled { try session?.runProfiled() } else { try session?.run() }
  }

  var profile: [StepProfile] { step?.step.profile ?? session?.profile ?? [] }
  var arenaBytes: Int { step?.step.arenaBytes ?? session?.arenaBytes ?? 0 }
}

/// A step of training on a fixed random linear function of the outputs, with an update by SGD with
/// momentum.
private final class BenchmarkStep {
  let step: TrainingStep
  private let momenta: [UnsafeMutableBufferPointer<Float>]
  private let optimizer = Optimizer.sgd(nesterov: false)

  init(_ graph: Graph, options: TrainingStep.Options) throws {
    step = try TrainingStep(
      graph, taps: graph.outputs.map(\.name),
      parameters: TrainableParameter.all(in: graph, registry: options.engine.registry).map(\.name),
      options: options)
    momenta = step.parameters.indices.map { [step] index in
      let memory = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: step.values(of: index).count)
      memory.initialize(repeating: 0)
      return memory
    }
    var random = CounterRandom(seed: 1)
    for index in step.images.indices { step.images[index] = .random(in: 0..<1, using: &random) }
    for map in step.maps {
      for index in 0..<map.shape.reduce(1, *) {
        map.gradient[index] = .random(in: -1e-3...1e-3, using: &random)
      }
    }
  }

  deinit {
    for memory in momenta { memory.deallocate() }
  }

  func run(profiled: Bool) throws {
    if profiled { return try step.runProfiled() }
    try step.run()
    step.updateStatistics()
    for index in step.parameters.indices {
      guard let gradient = step.gradient(of: index)?.baseAddress,
        let values = step.values(of: index).baseAddress
      else { continue }
      optimizer.update(
        OptimizerUpdate(
          values: values, gradient: gradient, state: [momenta[index].baseAddress].compactMap { $0 },
          count: step.values(of: index).count,
          step: 0, learningRate: 1e-4, weightDecay: 0))
    }
  }
}

extension Graph {
  /// The graph, which leaves nothing behind, so that whoever gets it can let go of its constants.
  fileprivate mutating func taken() -> Graph {
    defer { self = Graph() }
    return self
  }
}
