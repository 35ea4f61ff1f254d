import GraphIR
import Operators
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
  public static func all(in graph: Graph) -> [TrainableParameter] {
    var found: [TrainableParameter] = []
    var seen: Set<String> = []
    let constants = graph.floatConstants
    let aliases = graph.aliases
    let products = Set(graph.nodes.filter { isPlainProduct($0, graph) }.flatMap(\.outputs))
    for node in graph.nodes {
      var slots = slots(of: node, graph)
      if node.qualifiedType == "Add",
        let bias = node.inputs.firstIndex(where: { !products.contains($0) }),
        node.inputs.count == 2, products.contains(node.inputs[1 - bias])
      {
        slots = [ParameterSlot(input: bias, role: .bias)]
      }
      for slot in slots where node.inputs.indices.contains(slot.input) {
        let name = aliases[node.inputs[slot.input]] ?? node.inputs[slot.input]
        guard let tensor = constants[name], !isRamp(tensor), seen.insert(name).inserted else {
          continue
        }
        found.append(TrainableParameter(name: name, role: slot.role))
      }
    }
    return found
  }

  private static func slots(of node: Node, _ graph: Graph) -> [ParameterSlot] {
    guard OperatorRegistry.standard.type(of: node) is any ParameterizedOperator.Type,
      let rules = try? OperatorRegistry.standard.makeOperator(for: node, in: graph)
    else { return [] }
    return (rules as? any ParameterizedOperator)?.parameterSlots ?? []
  }

  /// Whether a node is a matrix product with no place for a bias.
  private static func isPlainProduct(_ node: Node, _ graph: Graph) -> Bool {
    guard let rules = OperatorRegistry.standard.weighted(node, in: graph) else { return false }
    guard case .product = rules.arithmetic else { return false }
    return rules.biasInput == nil
  }

  private static func isRamp(_ tensor: Tensor) -> Bool {
    tensor.count >= 4 && tensor.shape.count { $0 > 1 } == 1
      && tensor.floats.enumerated().allSatisfy { $1 == Float($0) }
  }
}

extension Graph {
  /// The float32 constants by name: initializers and the tensors of `Constant` nodes.
  fileprivate var floatConstants: [String: Tensor] {
    var constants: [String: Tensor] = [:]
    for (name, initializer) in initializers where initializer.tensor.elementType == .float32 {
      constants[name] = initializer.tensor
    }
    for node in nodes {
      if let tensor = node.constantTensor, tensor.elementType == .float32,
        let name = node.outputs.first
      {
        constants[name] = tensor
      }
    }
    return constants
  }

  /// The constants behind `Identity` and fake quantisation, by the name of the node's output.
  var aliases: [String: String] {
    nodes.reduce(into: [:]) { aliases, node in
      guard let source = OperatorRegistry.standard.aliased(by: node),
        let output = node.outputs.first
      else { return }
      aliases[output] = aliases[source] ?? source
    }
  }
}
