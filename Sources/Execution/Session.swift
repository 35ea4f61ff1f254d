import GraphIR
import Tensors

/// A graph prepared to run many times at fixed input shapes.
///
/// Preparing folds constants, applies the rewrites of the options, plans one arena, lets every
/// operator choose its kernel, and releases the weights that kernels have packed. ``run()`` then
/// allocates only a closure's context each time threads start to work.
///
/// Nodes whose output types depend on values are an exception. They, and all nodes that follow
/// them, form the *dynamic tail*: they allocate as they run.
///
/// A session is used by one thread at a time.
public final class Session {
  private struct StaticStep {
    var kernel: Kernel
    var call: OperatorCall
  }

  private struct DynamicStep {
    var node: Node
    var rules: any Operator
  }

  private enum Step {
    case fixed(StaticStep)
    case copy(from: UnsafeRawPointer, to: UnsafeMutableRawPointer, byteCount: Int)
    case dynamic(DynamicStep)
  }

  private struct LabelledStep {
    var name: String
    var label: String
    var opType: String
    var algorithm: String
    var output: String
    var macs: Int
    var step: Step
  }

  /// The inputs to feed and their types.
  public let inputs: [(name: String, type: TensorType)]
  /// The names of the outputs, taps included.
  public let outputNames: [String]
  /// The bytes of all activations together.
  public let arenaBytes: Int
  /// The graph as it runs: specialised, folded and rewritten, without the constants that kernels
  /// hold packed.
  public let graph: Graph
  private var steps: [LabelledStep] = []
  private let registry: OperatorRegistry
  private let pool: ThreadPool
  private let arena: UnsafeMutableRawPointer
  private let scratch: WorkingMemory
  private var views: [String: TensorView] = [:]
  private var constants: [String: Tensor] = [:]
  private var dynamicValues: [String: Tensor] = [:]
  /// The memory that the values of one run may take, and what is left of it for the dynamic tail in
  /// this run.
  private let valueBudget: ValueBudget
  private var tailBudget = ValueBudget(bytes: 0)
  private var durations: [Duration] = []
  /// The steps that run before the inputs of `options.lateInputs` are needed.
  private var earlySteps = 0
  /// The taps that must be finite, in the order of the nodes, with the labels of these.
  private let checkedTaps: [(name: String, node: String)]

  /// Prepares a graph.
  ///
  /// - Throws: `NodeError` naming the node whose operator is unknown or does not fit its inputs,
  ///   ``ExecutionError`` for wrong inputs and taps and for values implausibly large for the model,
  ///   `MemoryShortage` when the machine has too little memory.
  public init(
    _ graph: consuming Graph, registry: OperatorRegistry,
    options: SessionOptions = SessionOptions()
  ) throws {
    let made = Set(graph.nodes.flatMap(\.outputs) + graph.inputs.map(\.name))
    for tap in options.taps where !graph.outputs.contains(where: { $0.name == tap }) {
      guard made.contains(tap) || graph.initializers[tap] != nil else {
        throw ExecutionError.unknownTap(name: tap)
      }
      graph.outputs.append(ValueInfo(name: tap, type: .undeclared))
    }
    self.registry = registry
    let wanted = Set(options.checksTaps ? options.taps : [])
    checkedTaps =
      graph.inputs.filter { wanted.contains($0.name) }.map { ($0.name, "the input") }
      + graph.nodes.flatMap { node in
        node.outputs.filter(wanted.contains).map { ($0, node.label) }
      }
    pool = ThreadPool(threads: options.threads)
    let inputs = try graph.concreteInputTypes(options.inputShapes)
    // Only sizes that the model itself declares are limited; shapes and taps of the caller are not.
    let isAsDeclared =
      options.inputShapes.isEmpty && options.taps.isEmpty && !options.trustsSizes
    valueBudget = isAsDeclared ? .activations(of: graph) : ValueBudget(bytes: .max)
    outputNames = graph.outputs.map(\.name)
    var specialized = try SpecializedGraph(
      consume graph, registry: registry, inputs: inputs, passes: options.passes, pool: pool)
    self.inputs = inputs.map { (name: $0.0, type: $0.1) }
    let plan = MemoryPlan(specialized, sharesMemory: options.sharesMemory)
    arenaBytes = plan.byteCount
    try Self.check(plan, valueBudget, inputs: inputs.map(\.0))
    // Kernels read whole vectors, up to 256 bytes beyond the end of a value.
    arena = .allocate(byteCount: plan.byteCount + 256, alignment: 64)
    arena.initializeMemory(as: UInt8.self, repeating: 0, count: plan.byteCount + 256)
    for (name, offset) in plan.offsets {
      if let type = specialized.types[name] {
        views[name] = TensorView(type: type, base: arena + offset)
      }
    }
    let prepared = try Self.prepare(&specialized, threads: options.threads)
    self.graph = specialized.graph
    for (name, initializer) in specialized.graph.initializers {
      constants[name] = initializer.tensor
    }
    let scratchBytes = prepared.map { $0?.scratchBytes ?? 0 }.max() ?? 0
    try MachineMemory.require(scratchBytes, for: "the kernels' steps")
    scratch = WorkingMemory(byteCount: scratchBytes)
    assemble(specialized, plan, prepared, lateInputs: options.lateInputs)
    durations = Array(repeating: .zero, count: steps.count)
  }

  deinit { arena.deallocate() }

  /// Prepares the kernels in order.
  ///
  /// Constants that one has packed are released before the next is prepared.
  private static func prepare(
    _ graph: inout SpecializedGraph, threads: Int
  ) throws -> [Kernel?] {
    try graph.steps.indices.map { index in
      let kernel = try prepare(graph.steps[index], threads: threads)
      if let kernel { graph.releaseConstants(of: index, slots: kernel.packedInputs) }
      return kernel
    }
  }

  private static func check(
    _ plan: MemoryPlan, _ budget: ValueBudget, inputs: [String]
  ) throws {
    var budget = budget
    let limit = budget.remaining
    guard budget.spend(plan.byteCount) else {
      throw ExecutionError.implausibleSize(
        bytes: plan.byteCount, limit: limit, inputs: inputs)
    }
    try MachineMemory.require(plan.byteCount, for: "the activations")
  }

  private static func prepare(_ step: SpecializedGraph.Step, threads: Int) throws -> Kernel? {
    guard let outputs = step.outputs else { return nil }
    do {
      return try step.rules.prepareKernel(
        PreparationSite(inputs: step.inputs, outputs: outputs, threadCount: threads))
    } catch {
      throw NodeError(node: step.node.label, underlying: error)
    }
  }

  private func view(_ name: String) -> TensorView? { views[name] ?? constants[name]?.view }

  private func assemble(
    _ graph: SpecializedGraph, _ plan: MemoryPlan, _ prepared: [Kernel?],
    lateInputs: Set<String>
  ) {
    var isLate = false
    for (index, step) in graph.steps.enumerated() {
      isLate = isLate || step.node.inputs.contains(where: lateInputs.contains)
      defer { if !isLate { earlySteps = steps.count } }
      let costed = step.rules as? any CostedOperator
      func append(_ work: Step, _ algorithm: String, macs: Int = 0) {
        steps.append(
          LabelledStep(
            name: step.node.name, label: step.node.label, opType: step.node.opType,
            algorithm: algorithm,
            output: step.node.outputs.first ?? "", macs: macs, step: work))
      }
      for copy in plan.copies[index] ?? [] {
        guard let source = view(copy.source), let destination = views[copy.destination] else {
          continue
        }
        append(
          .copy(
            from: source.base, to: destination.base + copy.byteOffset, byteCount: copy.byteCount),
          "copy")
      }
      if plan.elided.contains(index) { continue }
      guard let kernel = prepared[index] else {
        append(.dynamic(DynamicStep(node: step.node, rules: step.rules)), "dynamic")
        continue
      }
      let call = OperatorCall(
        inputs: step.node.inputs.map { $0.isEmpty ? nil : view($0) },
        outputs: zip(step.node.outputs.indices, step.outputs ?? []).map { slot, type in
          TensorView(type: type, base: arena + (plan.offsets[step.value(slot, of: index)] ?? 0))
        }, scratch: scratch.base, pool: pool)
      append(
        .fixed(StaticStep(kernel: kernel, call: call)), kernel.algorithm,
        macs: costed?.macs(inputs: step.inputs.map { $0?.type }, outputs: step.outputs ?? []) ?? 0)
    }
  }

  // MARK: Running

  /// Runs the graph on copies of the given tensors and returns copies of the outputs.
  ///
  /// - Throws: ``ExecutionError`` when an input is missing, unknown or of the wrong type;
  ///   `NodeError`.
  public func run(_ feed: [String: Tensor]) throws -> [String: Tensor] {
    for name in feed.keys.sorted() where !inputs.contains(where: { $0.name == name }) {
      throw ExecutionError.unknownInput(name: name, known: inputs.map(\.name))
    }
    for (name, type) in inputs {
      guard let tensor = feed[name] else { throw ExecutionError.missingInput(name: name) }
      guard tensor.type == type, let view = views[name] else {
        throw ExecutionError.inputType(
          name: name, expected: "\(type)", found: "\(tensor.type)")
      }
      tensor.withUnsafeBytes { view.bytes.copyMemory(from: $0) }
    }
    try run()
    return Dictionary(
      outputNames.compactMap { name in output(name).map { (name, $0) } },
      uniquingKeysWith: { $1 })
  }

  /// The memory of an input, to be written before ``run()``.
  public func input(_ name: String) -> TensorView? {
    inputs.contains { $0.name == name } ? views[name] : nil
  }

  /// A copy of an output of the last run.
  public func output(_ name: String) -> Tensor? {
    if let value = dynamicValues[name] { return value }
    if let view = views[name] { return Tensor(copying: view) }
    return constants[name]
  }

  /// The memory of an output, valid until the next run; `nil` for an output whose type only the run
  /// decides.
  public func outputView(_ name: String) -> TensorView? {
    outputNames.contains(name) ? view(name) : nil
  }

  /// Runs the graph on what lies in the input memory.
  ///
  /// - Throws: `NodeError`; `NotFinite` when the options ask for taps to be checked.
  public func run() throws {
    try runEarly()
    try runLate()
    for (name, node) in checkedTaps {
      guard let found = view(name)?.firstNotFinite else { continue }
      throw NotFinite.activation(
        name: name, node: node, element: found.element, number: "\(found.number)")
    }
  }

  /// Runs the steps before the first that reads a late input, or all steps when there are no late
  /// inputs.
  public func runEarly() throws {
    tailBudget = valueBudget
    for index in 0..<earlySteps { try execute(index) }
  }

  /// Runs the steps that ``runEarly()`` left.
  public func runLate() throws {
    for index in earlySteps..<steps.count { try execute(index) }
  }

  /// Runs the graph and adds the time of each step to the profile.
  public func runProfiled() throws {
    let clock = ContinuousClock()
    tailBudget = valueBudget
    for index in steps.indices {
      let start = clock.now
      try execute(index)
      durations[index] += clock.now - start
    }
  }

  /// The time each step took in all profiled runs, in order.
  public var profile: [StepProfile] {
    zip(steps, durations).map { step, duration in
      StepProfile(
        name: step.name, label: step.label, opType: step.opType, algorithm: step.algorithm,
        output: step.output, macs: step.macs, duration: duration)
    }
  }

  private func execute(_ index: Int) throws {
    switch steps[index].step {
    case .copy(let source, let destination, let byteCount):
      destination.copyMemory(from: source, byteCount: byteCount)
    case .fixed(let step):
      do {
        try step.kernel.run(step.call)
      } catch {
        throw NodeError(node: steps[index].label, underlying: error)
      }
    case .dynamic(let step):
      do {
        let outputs = try NodeEvaluation(
          graph.properties, registry: registry, pool: pool, grant: grant
        ).evaluate(step.node, step.rules, value: value)
        for (name, tensor) in zip(step.node.outputs, outputs) { dynamicValues[name] = tensor }
      } catch {
        throw NodeError(node: step.node.label, underlying: error)
      }
    }
  }

  /// Counts the memory of the outputs of a node in the dynamic tail.
  private func grant(_ rules: any Operator, _ inputs: [Tensor?]) throws {
    let bytes = try rules.evaluationBytes(inputs)
    guard tailBudget.spend(bytes) else {
      throw ExecutionError.implausibleSize(
        bytes: bytes, limit: tailBudget.remaining, inputs: self.inputs.map(\.name))
    }
  }

  private func value(_ name: String) -> Tensor? {
    name.isEmpty ? nil : output(name)
  }
}

/// What one step of a session cost.
public struct StepProfile: Sendable {
  /// The node's name; may be empty.
  public var name: String
  /// The node's label.
  public var label: String
  /// The node's operator.
  public var opType: String
  /// The algorithm its kernel chose; empty for the plain one.
  public var algorithm: String
  /// The node's first output.
  public var output: String
  /// The multiply–accumulates of one run; 0 where the operator does not count them.
  public var macs: Int
  /// The time it took in all profiled runs.
  public var duration: Duration
}
