import GraphIR

/// How networks are run: by which operators, on how many threads, after which rewrites, and who is
/// told how far long work is.
///
/// Every method takes one engine and makes its sessions through it.
public struct Engine: Sendable {
  /// The operators that sessions know.
  public var registry: OperatorRegistry
  /// The threads to compute with.
  public var threads: Int
  /// Concrete shapes of inputs whose declared shape is not fixed, by input name.
  public var inputShapes: [String: [Int]]
  /// What fuses and folds nodes before a network runs.
  public var rewrites: [any GraphPass]
  /// Who is told how far long work is.
  public var progress: any ProgressObserver

  /// An engine of its parts.
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
  ///   - isRewritten: Whether ``rewrites`` are applied; else the network runs node by node as it is.
  ///   - checksTaps: Whether a run fails whose taps hold NaN or infinity.
  public func options(
    taps: [String] = [], isRewritten: Bool = true, checksTaps: Bool = false
  ) -> SessionOptions {
    var options = SessionOptions(
      threads: threads, inputShapes: inputShapes, passes: isRewritten ? rewrites : [], taps: taps)
    options.checksTaps = checksTaps
    return options
  }

  /// A network, ready to run.
  ///
  /// - Throws: ``ExecutionError``, what operators throw.
  public func session(
    _ graph: Graph, taps: [String] = [], isRewritten: Bool = true, checksTaps: Bool = false
  ) throws -> Session {
    try Session(
      graph, registry: registry,
      options: options(taps: taps, isRewritten: isRewritten, checksTaps: checksTaps))
  }

  /// The same engine on another number of threads.
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
