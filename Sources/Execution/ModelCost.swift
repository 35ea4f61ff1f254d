import GraphIR
import Tensors

/// What a model costs, counted without running it.
public struct ModelCost: Codable, Sendable, Equatable {
  /// The cost of one node.
  public struct Node: Codable, Sendable, Equatable {
    /// The node's name, or its first output when it has none.
    public var name: String
    /// The operator with its domain.
    public var opType: String
    /// The shape of the first output; empty when only a run decides it.
    public var outputShape: [Int]
    /// Elements of the constants that the node has learnt.
    public var parameters: Int
    /// The parameters that are not zero.
    public var nonzeros: Int
    /// Multiply–accumulates.
    public var macs: Int
    /// Bytes of all outputs.
    public var activationBytes: Int
    /// The parameter with the most elements, by name; empty when there is none.
    public var weight: String
    /// The shape of that constant.
    public var weightShape: [Int]

    /// The fraction of the parameters that are zero.
    public var sparsity: Double {
      parameters == 0 ? 0 : 1 - Double(nonzeros) / Double(parameters)
    }
  }

  /// The nodes that have parameters or cost multiply–accumulates, in order.
  public var nodes: [Node]
  /// What has been learnt, each constant counted once: weights, biases, slopes, and scales and
  /// shifts of normalisations.
  ///
  /// As in papers, statistics of normalisations, grids, anchors and scales of quantisation are no
  /// parameters. Of operators that the registry does not know all float constants of rank 1 or more
  /// are.
  public var parameters: Int
  /// The parameters that are not zero.
  public var nonzeros: Int
  /// Multiply–accumulates; FLOPs are twice as many.
  public var macs: Int
  /// The bytes that all activations need at once, as the session plans them.
  public var peakActivationBytes: Int
  /// Operators whose multiply–accumulates are not counted because their rules are unknown.
  public var uncounted: [String]

  /// The fraction of the parameters that are zero.
  public var sparsity: Double { parameters == 0 ? 0 : 1 - Double(nonzeros) / Double(parameters) }

  /// Counts the cost of a graph at the given input shapes.
  ///
  /// - Parameters:
  ///   - passes: The rewrites of the session whose memory counts. Values that they fuse away need
  ///     none, and values that they compute on integers need a quarter.
  ///   - values: Constants that stand for inputs; they are not parameters.
  /// - Throws: ``ExecutionError`` when an input's shape is not known.
  public init(
    _ graph: Graph, registry: OperatorRegistry, inputShapes: [String: [Int]] = [:],
    passes: [any GraphPass] = [], values: Set<String> = []
  ) throws {
    let graph = graph.widened()
    let inputs = try graph.concreteInputTypes(inputShapes)
    let walk = CostWalk(graph, registry: registry, inputs: inputs, values: values)
    nodes = walk.nodes
    uncounted = walk.uncounted.sorted()
    parameters = walk.parameters
    nonzeros = walk.nonzeros
    macs = nodes.lazy.map(\.macs).checkedSum.clamped
    peakActivationBytes = 0
    if uncounted.isEmpty,
      let specialized = try? SpecializedGraph(
        graph, registry: registry, inputs: inputs, passes: passes, pool: ThreadPool(threads: 1))
    {
      peakActivationBytes = MemoryPlan(specialized, sharesMemory: true).byteCount
    }
  }
}

/// Counts node by node, and skips nodes whose operands are not known.
private struct CostWalk {
  private(set) var nodes: [ModelCost.Node] = []
  private(set) var uncounted: Set<String> = []
  private(set) var parameters = 0
  private(set) var nonzeros = 0
  private var weights: [String: (count: Int, nonzeros: Int)] = [:]
  private var values: Set<String>

  init(
    _ graph: Graph, registry: OperatorRegistry, inputs: [(String, TensorType)], values: Set<String>
  ) {
    self.values = values
    let entries = TypedGraph(graph, registry: registry, inputs: inputs).entries.flatMap { entry in
      entry.inlined.isEmpty ? [(node: graph.nodes[entry.index], entry: entry)] : entry.inlined
    }
    for (node, entry) in entries {
      // What is computed from the value of an input alone is not a parameter either.
      if entry.isConstant, node.inputs.contains(where: self.values.contains) {
        self.values.formUnion(node.outputs)
      }
      if entry.rules == nil { uncounted.insert(node.qualifiedType) }
      let outputs = entry.outputs ?? []
      let costed =
        entry.isConstant || entry.outputs == nil ? nil : entry.rules as? any CostedOperator
      record(
        node, entry.inputs, outputs,
        costed?.macs(inputs: entry.inputs.map { $0?.type }, outputs: outputs) ?? 0,
        learned: entry.isConstant ? [] : entry.rules?.parameterInputs(entry.inputs))
    }
  }

  /// - Parameter learned: The inputs that hold parameters where they are constant; `nil` for all
  ///   that hold floats.
  private mutating func record(
    _ node: Node, _ inputs: [Operand?], _ outputs: [TensorType], _ macs: Int, learned: [Int]?
  ) {
    // A Constant node's value is counted where it is read.
    guard node.opType != "Constant" else { return }
    var entry = ModelCost.Node(
      name: node.name.isEmpty ? node.outputs.first ?? "" : node.name,
      opType: node.qualifiedType, outputShape: outputs.first?.shape ?? [], parameters: 0,
      nonzeros: 0, macs: macs, activationBytes: outputs.reduce(0) { $0 + $1.byteCount },
      weight: "", weightShape: [])
    for (place, (name, operand)) in zip(node.inputs, inputs).enumerated() {
      guard let tensor = operand?.constant, !tensor.shape.isEmpty, !values.contains(name),
        learned?.contains(place)
          ?? (tensor.elementType.isFloatingPoint && tensor.elementType.bitWidth >= 16)
      else { continue }
      let isNew = weights[name] == nil
      let (count, nonzeros) = weights[name] ?? (tensor.count, tensor.nonzeroCount)
      weights[name] = (count, nonzeros)
      entry.parameters += count
      entry.nonzeros += nonzeros
      if isNew {
        parameters += count
        self.nonzeros += nonzeros
      }
      if count > entry.weightShape.product || entry.weight.isEmpty {
        (entry.weight, entry.weightShape) = (name, tensor.shape)
      }
    }
    if entry.parameters > 0 || macs > 0 { nodes.append(entry) }
  }
}

extension Tensor {
  /// The number of elements other than 0 and −0.
  var nonzeroCount: Int {
    switch elementType {
    case .float32: withUnsafeElements(as: Float.self) { $0.reduce(0) { $0 + ($1 != 0 ? 1 : 0) } }
    case .float64: withUnsafeElements(as: Double.self) { $0.reduce(0) { $0 + ($1 != 0 ? 1 : 0) } }
    case .float16: withUnsafeElements(as: Float16.self) { $0.reduce(0) { $0 + ($1 != 0 ? 1 : 0) } }
    default: doubles.reduce(0) { $0 + ($1 != 0 ? 1 : 0) }
    }
  }
}
