import GraphIR
import OrderedCollections
import Tensors

/// A graph that computes, besides its outputs, their gradients in reverse mode.
///
/// The variables become inputs, so that a session can update them between runs. Every
/// differentiated output gets an input that takes `∂loss/∂output`. The nodes of the model come
/// first. Those that carry the gradients back follow, in reverse order. Where a value is read
/// several times, its gradients are summed in the order of the readers.
public struct Gradient: Sendable {
  /// The model's nodes and then the gradient's.
  public let graph: Graph
  /// The input that takes the gradient of each differentiated output.
  public let seeds: OrderedDictionary<String, String>
  /// The output that holds the gradient of each variable.
  ///
  /// A variable that no output depends on is missing.
  public let gradients: OrderedDictionary<String, String>
  /// The current values of the variables: what the constants of the model were.
  public let variables: OrderedDictionary<String, Tensor>

  /// Differentiates some outputs of a model by some of its constants or inputs.
  ///
  /// - Parameters:
  ///   - outputs: Names of float32 outputs.
  ///   - variables: Names of initializers or inputs.
  ///   - inputShapes: Concrete shapes of inputs whose declared shape is not fixed.
  ///   - recomputes: Whether activations are computed again in the backward pass instead of kept.
  ///     That takes less memory and more time; the gradients are the same.
  /// - Throws: `NodeError` naming the node that has no derivative or does not fit,
  ///   ``ExecutionError`` for names and shapes.
  public init(
    of outputs: [String], withRespectTo variables: [String], in model: Graph,
    registry: OperatorRegistry, inputShapes: [String: [Int]] = [:], passes: [any GraphPass] = [],
    recomputes: Bool = false
  ) throws {
    var open = model
    var values: OrderedDictionary<String, Tensor> = [:]
    for name in variables {
      if let tensor = open.initializers[name]?.tensor {
        values[name] = tensor
        open.initializers[name] = nil
        open.inputs.removeAll { $0.name == name }
        open.inputs.append(ValueInfo(name: name, type: ValueType(tensor.type)))
      } else if !open.inputs.contains(where: { $0.name == name }) {
        throw ExecutionError.unknownInput(name: name, known: open.inputs.map(\.name))
      }
    }
    let known = try SpecializedGraph(
      open, registry: registry, inputs: try open.concreteInputTypes(inputShapes), passes: passes,
      pool: ThreadPool(threads: 1))
    var reverse = ReversePass(known, variables: Set(variables))
    seeds = try reverse.seed(outputs)
    try reverse.run()
    var graph = reverse.graph
    var gradients: OrderedDictionary<String, String> = [:]
    for name in variables {
      guard let gradient = try reverse.total(of: name, in: &graph) else { continue }
      gradients[name] = gradient
      graph.outputs.append(ValueInfo(name: gradient, type: .undeclared))
    }
    self.graph =
      recomputes
      ? Recomputation(
        graph, modelNodes: known.graph.nodes.count, types: known.types,
        prefix: "\(reverse.prefix)again/"
      ).apply(to: graph) : graph
    self.gradients = gradients
    self.variables = values
  }
}

/// The walk from the outputs back to the variables.
private struct ReversePass {
  private(set) var graph: Graph
  private let steps: [SpecializedGraph.Step]
  private let types: [String: TensorType]
  /// The prefix of all new names, and of no other names.
  let prefix: String
  /// Values that depend on a variable.
  private var isActive: Set<String>
  /// The gradients that the readers of a value contributed, the last reader's first.
  private var contributions: [String: [String]] = [:]

  init(_ known: SpecializedGraph, variables: Set<String>) {
    graph = known.graph
    prefix = FreshNames(known.graph).prefix("∇")
    for (name, type) in known.inputs {
      graph.inputs.removeAll { $0.name == name }
      graph.inputs.append(ValueInfo(name: name, type: ValueType(type)))
    }
    steps = known.steps
    types = known.types
    isActive = variables
    for step in steps where step.node.inputs.contains(where: isActive.contains) {
      for name in step.node.outputs where !name.isEmpty {
        // Integers carry no gradient.
        if types[name].map({ $0.elementType == .float32 }) ?? true { isActive.insert(name) }
      }
    }
  }

  /// Makes the inputs that take the gradients of outputs.
  mutating func seed(_ outputs: [String]) throws -> OrderedDictionary<String, String> {
    var seeds: OrderedDictionary<String, String> = [:]
    for name in outputs {
      guard let type = types[name], type.elementType == .float32 else {
        throw ExecutionError.unknownTap(name: name)
      }
      let seed = "\(prefix)seed/\(name)"
      seeds[name] = seed
      graph.inputs.append(ValueInfo(name: seed, type: ValueType(type)))
      contributions[name, default: []].append(seed)
    }
    return seeds
  }

  mutating func run() throws {
    for (index, step) in steps.enumerated().reversed() {
      let hasGradient = step.node.outputs.contains { contributions[$0] != nil }
      let wanted = step.node.inputs.map(isActive.contains)
      guard hasGradient, wanted.contains(true) else { continue }
      do {
        try differentiate(step, index, wanted)
      } catch {
        throw NodeError(node: step.node.label, underlying: error)
      }
    }
  }

  private mutating func differentiate(
    _ step: SpecializedGraph.Step, _ index: Int, _ wanted: [Bool]
  ) throws {
    guard let rules = step.rules as? any DifferentiableOperator, let outputs = step.outputs else {
      throw NotDifferentiable(qualifiedType: step.node.qualifiedType)
    }
    let gradients = try step.node.outputs.map { try total(of: $0, in: &graph) }
    var derivation = Derivation(
      node: step.node, inputs: step.inputs, outputs: outputs, gradients: gradients,
      wanted: wanted, opset: graph.opset, prefix: "\(prefix)/\(index)")
    let results = try rules.differentiate(&derivation)
    graph.nodes += derivation.nodes
    for (name, tensor) in derivation.constants.sorted(by: { $0.key < $1.key }) {
      graph.initializers[name] = Initializer(tensor)
    }
    for (place, gradient) in zip(wanted.indices, results) where wanted[place] {
      if let gradient { contributions[step.node.inputs[place], default: []].append(gradient) }
    }
  }

  /// The sum of a value's gradients, `nil` when nothing contributed.
  func total(of name: String, in graph: inout Graph) throws -> String? {
    guard let parts = contributions[name], let first = parts.first else { return nil }
    guard parts.count > 1 else { return first }
    let sum = "\(prefix)sum/\(name)"
    graph.nodes.append(
      Node("Sum", name: sum, inputs: parts.reversed(), outputs: [sum]))
    return sum
  }
}
