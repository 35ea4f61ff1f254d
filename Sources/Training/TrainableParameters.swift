import GraphIR
import Tensors

/// A constant of a network that is trained.
public struct TrainableParameter: Sendable, Hashable {
  /// The role of a parameter, which decides whether it has weight decay.
  public typealias Role = ParameterSlot.Role

  /// The constant's name.
  public var name: String
  /// Its role.
  public var role: Role

  /// A parameter of the given role.
  public init(name: String, role: Role) {
    self.name = name
    self.role = role
  }

  /// The parameters of a network, in the order of the nodes that read them.
  ///
  /// They are the weights and biases of convolutions and matrix products, the scales and shifts of
  /// normalisations, and the slopes of PRelu. A constant that is added to a matrix product is its
  /// bias. Constants are also found behind `Identity` and behind fake quantisation, whose steps are
  /// parameters too.
  ///
  /// Left out are constants of other element types than float32, the fixed ramp 0, 1, 2 … that
  /// turns a distribution into its mean, and tables of anchors and grids that only decoding reads.
  public static func all(in graph: Graph, registry: OperatorRegistry) -> [TrainableParameter] {
    var found: [TrainableParameter] = []
    var seen: Set<String> = []
    let constants = graph.constants
    let aliases = graph.aliases(registry)
    let products = Set(
      graph.nodes.filter { isPlainProduct($0, graph, registry) }.flatMap(\.outputs))
    for node in graph.nodes {
      var slots = slots(of: node, graph, registry)
      if node.qualifiedType == "Add",
        let bias = node.inputs.firstIndex(where: { !products.contains($0) }),
        node.inputs.count == 2, products.contains(node.inputs[1 - bias])
      {
        slots = [ParameterSlot(input: bias, role: .bias)]
      }
      for slot in slots where node.inputs.indices.contains(slot.input) {
        let name = aliases[node.inputs[slot.input]] ?? node.inputs[slot.input]
        guard let tensor = constants[name], tensor.elementType == .float32, !tensor.isRamp,
          seen.insert(name).inserted
        else { continue }
        found.append(TrainableParameter(name: name, role: slot.role))
      }
    }
    return found
  }

  private static func slots(
    of node: Node, _ graph: Graph, _ registry: OperatorRegistry
  ) -> [ParameterSlot] {
    guard registry.type(of: node) is any ParameterizedOperator.Type,
      let rules = try? registry.makeOperator(for: node, in: graph)
    else { return [] }
    return (rules as? any ParameterizedOperator)?.parameterSlots ?? []
  }

  /// Whether a node is a matrix product with no place for a bias.
  private static func isPlainProduct(
    _ node: Node, _ graph: Graph, _ registry: OperatorRegistry
  ) -> Bool {
    guard let rules = registry.weighted(node, in: graph) else { return false }
    guard case .product = rules.arithmetic else { return false }
    return rules.biasInput == nil
  }
}

extension Graph {
  /// The constants behind `Identity` and fake quantisation, by the name of the node's output.
  func aliases(_ registry: OperatorRegistry) -> [String: String] {
    nodes.reduce(into: [:]) { aliases, node in
      guard let source = registry.aliased(by: node),
        let output = node.outputs.first
      else { return }
      aliases[output] = aliases[source] ?? source
    }
  }
}
