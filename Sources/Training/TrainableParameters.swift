import GraphIR
import Tensors

/// A constant of a network that training moves.
public struct TrainableParameter: Sendable, Hashable {
  /// What a parameter does, which decides on its weight decay.
  public enum Role: String, Sendable, Codable {
    /// A kernel or matrix; decays.
    case weight
    /// Is added; does not decay.
    case bias
    /// Scale or shift of a normalisation, or the step of a rounding; does not decay.
    case normalisation
  }

  /// The constant's name.
  public var name: String
  /// What it does.
  public var role: Role

  /// A parameter of the given role.
  public init(name: String, role: Role) {
    self.name = name
    self.role = role
  }

  /// The parameters of a network, in the order of the nodes that read them.
  ///
  /// Weights and biases of convolutions and matrix products, scales and shifts of normalisations and the slopes of PRelu,
  /// which decay no more than biases do. A constant that is added to a matrix product is its bias; `Identity` passes a
  /// constant on as it is, and so does rounding to a grid, whose steps are parameters too.
  /// Left out are constants of other element types than float32, the fixed ramp 0, 1, 2 … that turns a distribution into
  /// its mean, and what only decoding reads: tables of anchors and grids.
  public static func all(in graph: Graph) -> [TrainableParameter] {
    var found: [TrainableParameter] = []
    var seen: Set<String> = []
    let constants = graph.floatConstants
    let aliases = graph.aliases
    let products = Set(graph.nodes.filter { $0.qualifiedType == "MatMul" }.flatMap(\.outputs))
    for node in graph.nodes {
      var slots = slots(of: node)
      if node.qualifiedType == "Add",
        let bias = node.inputs.firstIndex(where: { !products.contains($0) }),
        node.inputs.count == 2, products.contains(node.inputs[1 - bias])
      {
        slots = [(bias, .bias)]
      }
      for (slot, role) in slots where node.inputs.indices.contains(slot) {
        let name = aliases[node.inputs[slot]] ?? node.inputs[slot]
        guard let tensor = constants[name], !isRamp(tensor), seen.insert(name).inserted else {
          continue
        }
        found.append(TrainableParameter(name: name, role: role))
      }
    }
    return found
  }

  private static func slots(of node: Node) -> [(Int, Role)] {
    switch node.qualifiedType {
    case "Conv", "ConvTranspose": [(1, .weight), (2, .bias)]
    case "Gemm": [(1, .weight), (2, .bias)]
    case "MatMul": [(1, .weight)]
    case "BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization":
      [(1, .normalisation), (2, .normalisation)]
    case "PRelu": [(1, .bias)]
    case "compress.FakeQuantize":
      (try? node.attributes.flag("is_learnt", default: true)) == true ? [(1, .normalisation)] : []
    default: []
    }
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
    for node in nodes where node.opType == "Constant" && node.domain.isEmpty {
      if case .tensor(let tensor)? = node.attributes["value"], tensor.elementType == .float32,
        let name = node.outputs.first
      {
        constants[name] = tensor
      }
    }
    return constants
  }

  /// What `Identity` nodes and roundings call by another name, by that name.
  var aliases: [String: String] {
    nodes.reduce(into: [:]) { aliases, node in
      guard ["Identity", "compress.FakeQuantize"].contains(node.qualifiedType),
        let source = node.inputs.first,
        let output = node.outputs.first
      else { return }
      aliases[output] = aliases[source] ?? source
    }
  }
}
