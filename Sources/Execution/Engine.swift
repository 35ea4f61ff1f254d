import GraphIR

/// How networks are run: operators, threads, rewrites, and the observer of progress.
///
/// Every method takes one engine and makes its sessions through it.
public struct Engine: Sendable {
  /// The known operators.
  public var registry: OperatorRegistry
  /// The threads to compute with.
  public var threads: Int
  /// Concrete shapes of inputs whose declared shape is not fixed, by input name.
  public var inputShapes: [String: [Int]]
  /// The rewrites that fuse and fold nodes before a network runs.
  public var rewrites: [any GraphPass]
  /// The observer of progress.
  public var progress: any ProgressObserver

  /// An engine of the given parts.
  public init(
    registry: OperatorRegistry, threads: Int = 1, inputShapes: [String: [Int]] = [:],
    rewrites: [any GraphPass] = [], progress: any ProgressObserver = SilentProgress()
  ) {
    (self.registry, self.threads, self.inputShapes) = (registry, threads, inputShapes)
    (self.rewrites, self.progress) = (rewrites, progress)
  }

  /// Options of a session.
  ///
  /// - Parameters:
  ///   - taps: Intermediate values to return as well.
  ///   - isRewritten: Whether ``rewrites`` are applied; otherwise the network runs node by node as
  ///     it is.
  ///   - checksTaps: Whether a run fails whose taps hold NaN or infinity.
  public func options(
    taps: [String] = [], isRewritten: Bool = true, checksTaps: Bool = false
  ) -> SessionOptions {
    var options = SessionOptions(
      threads: threads, inputShapes: inputShapes, passes: isRewritten ? rewrites : [], taps: taps)
    options.checksTaps = checksTaps
    return options
  }

  /// A session of a network, ready to run.
  ///
  /// - Throws: ``ExecutionError``, what operators throw.
  public func session(
    _ graph: Graph, taps: [String] = [], isRewritten: Bool = true, checksTaps: Bool = false
  ) throws -> Session {
    try Session(
      graph, registry: registry,
      options: options(taps: taps, isRewritten: isRewritten, checksTaps: checksTaps))
  }

  /// The same engine with another number of threads.
  public func on(threads: Int) -> Engine {
    var engine = self
    engine.threads = threads
    return engine
  }

  /// The parameters, MACs and activations of a network.
  ///
  /// - Throws: ``ExecutionError`` for inputs of unknown shape.
  public func cost(
    of graph: Graph, isRewritten: Bool = false, values: Set<String> = []
  ) throws -> ModelCost {
    try ModelCost(
      graph, registry: registry, inputShapes: inputShapes, passes: isRewritten ? rewrites : [],
      values: values)
  }

  /// Every node of a network with what is known of its operands before it runs.
  ///
  /// - Throws: ``ExecutionError`` for inputs of unknown shape.
  public func typed(_ graph: Graph) throws -> TypedGraph {
    TypedGraph(graph, registry: registry, inputs: try graph.concreteInputTypes(inputShapes))
  }
}
