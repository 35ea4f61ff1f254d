import Execution
import GraphIR
import Tensors

/// Rewrites a graph of operator sets 9 … 12 for operator set 13, the first that scales integers by
/// channel.
struct OpsetUpgrade {
  /// The operator set that results.
  static let version = 13

  private var graph: Graph
  private let types: [String: Operand]
  private let version: Int

  /// The graph under operator set 13 or later.
  ///
  /// - Throws: ``QuantizationError/opset(node:reason:)`` for a node whose meaning has changed in a
  ///   way that is not covered.
  static func run(
    _ graph: Graph, registry: OperatorRegistry, inputs: [(String, TensorType)]
  ) throws -> Graph {
    guard graph.opset < version else { return graph }
    var upgrade = OpsetUpgrade(graph, registry, inputs)
    for index in graph.nodes.indices where graph.nodes[index].domain.isEmpty {
      try upgrade.rewrite(index)
    }
    upgrade.graph.properties.opsets[""] = version
    upgrade.graph.properties.irVersion = max(upgrade.graph.properties.irVersion, 7)
    return upgrade.graph
  }

  private init(
    _ graph: Graph, _ registry: OperatorRegistry, _ inputs: [(String, TensorType)]
  ) {
    self.graph = graph
    version = graph.opset
    types = TypedGraph(graph, registry: registry, inputs: inputs).operands
  }

  private mutating func rewrite(_ index: Int) throws {
    switch graph.nodes[index].opType {
    case "Squeeze", "Unsqueeze", "ReduceSum": try moveInts("axes", of: index, to: 1)
    case "Split": try moveInts("split", of: index, to: 1)
    case "Slice" where version < 10:
      for (slot, name) in ["starts", "ends", "axes"].enumerated() {
        try moveInts(name, of: index, to: slot + 1)
      }
    case "Clip" where version < 11:
      moveFloat("min", of: index, to: 1, default: -.greatestFiniteMagnitude)
      moveFloat("max", of: index, to: 2, default: .greatestFiniteMagnitude)
    case "Pad" where version < 11:
      try moveInts("pads", of: index, to: 1)
      moveFloat("value", of: index, to: 2, default: 0)
    case "Softmax", "LogSoftmax", "Hardmax": try keepAxis(index)
    case "Resize" where version < 11, "TopK" where version < 11, "Upsample", "Dropout":
      throw QuantizationError.opset(
        node: graph.nodes[index].label, reason: "the operator means something else since")
    default: break
    }
  }

  private mutating func place(_ tensor: Tensor, of index: Int, at slot: Int, _ name: String) {
    let label = graph.nodes[index].outputs.first ?? graph.nodes[index].name
    let constant = graph.freshName("\(label)_\(name)")
    graph.initializers[constant] = Initializer(tensor)
    while graph.nodes[index].inputs.count <= slot { graph.nodes[index].inputs.append("") }
    graph.nodes[index].inputs[slot] = constant
  }

  private mutating func moveInts(_ name: String, of index: Int, to slot: Int) throws {
    guard let values = try graph.nodes[index].attributes.ints(name) else { return }
    graph.nodes[index].attributes[name] = nil
    place(Tensor(values.map(Int64.init)), of: index, at: slot, name)
  }

  private mutating func moveFloat(
    _ name: String, of index: Int, to slot: Int, default fallback: Float
  ) {
    let value = (try? graph.nodes[index].attributes.float(name, default: fallback)) ?? fallback
    graph.nodes[index].attributes[name] = nil
    place(Tensor(scalar: value), of: index, at: slot, name)
  }

  /// Softmax once ran over all axes from the named one on.
  ///
  /// That is one axis when those behind it are of extent 1.
  private mutating func keepAxis(_ index: Int) throws {
    let node = graph.nodes[index]
    let axis = try node.attributes.int("axis", default: 1)
    let shape = node.inputs.first.flatMap { types[$0]?.type.shape } ?? []
    let place = axis < 0 ? axis + shape.count : axis
    let isOne =
      shape.indices.contains(place) && shape.dropFirst(place + 1).allSatisfy { $0 == 1 }
    guard axis == -1 || isOne else {
      throw QuantizationError.opset(node: node.label, reason: "it normalises several axes at once")
    }
    graph.nodes[index].attributes["axis"] = .int(axis)
  }
}
