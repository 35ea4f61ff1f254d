import Execution
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// A network prepared for forward and backward passes on batches of one shape.
///
/// A step is: write ``images``, call ``forward()``, let a loss read ``maps`` and fill their
/// gradients, call ``backward()``. Then the gradients of the parameters are in memory, and an
/// optimiser may alter ``values(of:)`` in place.
public final class TrainingStep {
  /// How batch normalisations behave.
  public enum Normalization: Sendable, Equatable {
    /// Uses the batch's own statistics. `momentum` is their weight in the running ones.
    case batch(momentum: Float)
    /// Uses the stored statistics, which stay.
    case frozen
  }

  /// The options of a step.
  public struct Options: Sendable {
    /// Images per batch.
    public var batchSize: Int
    /// Rows and columns of the input.
    public var imageSize: (height: Int, width: Int)
    /// Channels of the input.
    public var channels = 3
    /// How batch normalisations behave.
    public var normalization = Normalization.batch(momentum: 0.03)
    /// The known operators and the threads to compute with.
    public var engine: Engine
    /// Whether activations are computed again in the backward pass instead of kept, which takes
    /// less memory and more time.
    public var recomputes = false

    /// Options for batches of the given extents.
    public init(batchSize: Int, imageSize: (height: Int, width: Int), engine: Engine) {
      self.batchSize = batchSize
      self.imageSize = imageSize
      self.engine = engine
    }
  }

  /// The parameters, in order.
  public let parameters: [String]
  /// The running statistics of batch normalisations, in order.
  public let statistics: [String]
  /// The input, `[N, C, H, W]`.
  public let images: UnsafeMutableBufferPointer<Float>
  /// The differentiated outputs, in the given order.
  public let maps: [RawMap]
  /// The bytes of all activations and gradients together.
  public var arenaBytes: Int { session.arenaBytes }
  /// The threads that compute.
  public let pool: ThreadPool
  private let session: Session
  private let parameterValues: [UnsafeMutableBufferPointer<Float>]
  private let gradients: [UnsafeMutableBufferPointer<Float>?]
  private let statisticValues: [UnsafeMutableBufferPointer<Float>]
  private let updatedStatistics: [UnsafeMutableBufferPointer<Float>?]

  /// Prepares a network.
  ///
  /// - Parameters:
  ///   - taps: The values whose gradients the loss provides.
  ///   - parameters: The constants to differentiate with respect to. Those that no tap depends on
  ///     are left out.
  /// - Throws: ``TrainingError`` when the network does not take one batch of images, `NodeError`
  ///   naming a node that has no derivative.
  public init(
    _ model: Graph, taps: [String], parameters: [String], options: Options
  ) throws {
    let (registry, threads) = (options.engine.registry.withGradients, options.engine.threads)
    let prepared = try Self.differentiate(model, taps, parameters, options, registry)
    var sessionOptions = SessionOptions(threads: threads)
    sessionOptions.lateInputs = Set(prepared.gradient.seeds.values)
    sessionOptions.trustsSizes = true
    session = try Session(
      prepared.gradient.graph, registry: registry, options: sessionOptions)
    pool = ThreadPool(threads: threads)
    let session = session
    func input(_ name: String) -> UnsafeMutableBufferPointer<Float>? {
      session.input(name)?.elements(as: Float.self)
    }
    self.parameters = prepared.gradient.variables.keys.filter { input($0) != nil }
    statistics = prepared.statistics.keys.filter { input($0) != nil }.sorted()
    images = input(prepared.input) ?? .init(start: nil, count: 0)
    parameterValues = self.parameters.compactMap(input)
    statisticValues = statistics.compactMap(input)
    gradients = self.parameters.map { name in
      prepared.gradient.gradients[name].flatMap { session.outputView($0)?.elements() }
    }
    let updated = UseBatchStatistics.updated(in: prepared.gradient.graph)
    updatedStatistics = statistics.map {
      updated[$0].flatMap { session.outputView($0)?.elements() }
    }
    maps = try taps.map { tap in
      guard let view = session.outputView(tap),
        let seed = prepared.gradient.seeds[tap].flatMap(session.input)
      else { throw TrainingError.unknownValue(tap) }
      return RawMap(
        shape: view.shape, values: UnsafePointer(view.base.assumingMemoryBound(to: Float.self)),
        gradient: seed.base.assumingMemoryBound(to: Float.self))
    }
    set(
      prepared.gradient.variables.merging(prepared.statistics) { $1 }.reduce(into: [:]) {
        $0[$1.key] = $1.value
      })
  }

  private struct Prepared {
    var gradient: Gradient
    var input: String
    var statistics: [String: Tensor]
  }

  private static func differentiate(
    _ model: Graph, _ taps: [String], _ parameters: [String], _ options: Options,
    _ registry: OperatorRegistry
  ) throws -> Prepared {
    var graph = model.withConstantsAsInitializers()
    graph.outputs = taps.map { ValueInfo(name: $0, type: .undeclared) }
    graph.inputs.removeAll { graph.initializers[$0.name] != nil }
    graph.removeDeadNodes()
    graph = graph.takingPlanarImages().withBatchSize(
      options.batchSize, registry: registry)
    guard graph.inputs.count == 1, let input = graph.inputs.first else {
      throw TrainingError.noImageInput(found: graph.inputs.map(\.name))
    }
    let shape = [
      options.batchSize, options.channels, options.imageSize.height, options.imageSize.width,
    ]
    var statistics: [String: Tensor] = [:]
    var passes = StandardRewrites.training(momentum: nil)
    if case .batch(let momentum) = options.normalization {
      passes = StandardRewrites.training(momentum: momentum)
      for name in graph.runningStatistics {
        statistics[name] = graph.initializers[name]?.tensor
        graph.initializers[name] = nil
        graph.inputs.append(
          ValueInfo(name: name, type: ValueType(statistics[name]?.type ?? TensorType(.float32, [])))
        )
      }
    }
    let known = parameters.filter { graph.initializers[$0] != nil }
    let gradient = try Gradient(
      of: taps, withRespectTo: known, in: graph, registry: registry,
      inputShapes: [input.name: shape], passes: passes,
      recomputes: options.recomputes)
    return Prepared(gradient: gradient, input: input.name, statistics: statistics)
  }

  // MARK: Running

  /// Computes the maps from the images, and sets their gradients to zero.
  public func forward() throws {
    try session.runEarly()
    for map in maps { map.gradient.update(repeating: 0, count: map.shape.reduce(1, *)) }
  }

  /// Computes the gradients of the parameters from those of the maps.
  public func backward() throws { try session.runLate() }

  /// Runs both passes, with the gradients of the maps as they are.
  public func run() throws { try session.run() }

  /// Runs both passes, and adds the time of each node to ``profile``.
  public func runProfiled() throws { try session.runProfiled() }

  /// The time that each node took in all profiled runs.
  public var profile: [StepProfile] { session.profile }

  /// Sets the running statistics to those that the last step computed.
  public func updateStatistics() {
    for (value, updated) in zip(statisticValues, updatedStatistics) {
      guard let updated, let source = updated.baseAddress else { continue }
      value.baseAddress?.update(from: source, count: value.count)
    }
  }

  /// The memory of a parameter's value, by its index in ``parameters``.
  public func values(of parameter: Int) -> UnsafeMutableBufferPointer<Float> {
    parameterValues[parameter]
  }

  /// The memory of a parameter's gradient; `nil` when no tap depends on it.
  public func gradient(of parameter: Int) -> UnsafeMutableBufferPointer<Float>? {
    gradients[parameter]
  }

  /// The memory of a running statistic, by its index in ``statistics``.
  public func values(ofStatistic index: Int) -> UnsafeMutableBufferPointer<Float> {
    statisticValues[index]
  }

  /// Copies of all parameters and running statistics, by name.
  public func state() -> [String: Tensor] {
    (parameters + statistics).reduce(into: [:]) { state, name in
      state[name] = session.input(name).map { Tensor(copying: $0) }
    }
  }

  /// Sets parameters and running statistics; other tensors are ignored.
  ///
  /// - Precondition: shapes are those of the network.
  public func set(_ state: [String: Tensor]) {
    for name in parameters + statistics {
      guard let tensor = state[name], let view = session.input(name) else { continue }
      precondition(tensor.type == view.type, "\(name) is \(view.type), found \(tensor.type)")
      tensor.withUnsafeBytes { view.bytes.copyMemory(from: $0) }
    }
  }
}

extension Graph {
  /// The constants that hold running means and variances of batch normalisations.
  var runningStatistics: [String] {
    var names: [String] = []
    for node in nodes where node.qualifiedType == "BatchNormalization" {
      guard node.inputs.count == 5 else { continue }
      for name in node.inputs[3...]
      where initializers[name] != nil && !names.contains(name) { names.append(name) }
    }
    return names
  }
}
