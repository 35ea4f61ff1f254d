import GraphIR
import OrderedCollections
import Tensors

/// Removes nodes that hand their input on unchanged: `Identity`, and `Dropout` as it is outside
/// training.
struct RemoveIdentities: GraphPass {
  let name = "remove identities"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let outputs = Set(graph.outputs.map(\.name))
    var sources: [String: String] = [:]
    let constants = graph.initializers
    graph.nodes.removeAll { node in
      guard
        registry.aliased(by: node, isExact: true) != nil
          || node.qualifiedType == "Dropout" && !node.mayTrain(constants),
        let input = node.inputs.first, let output = node.outputs.first,
        !outputs.contains(output), node.outputs.dropFirst().allSatisfy(\.isEmpty)
      else { return false }
      sources[output] = sources[input] ?? input
      return true
    }
    for index in graph.nodes.indices {
      graph.nodes[index] = graph.nodes[index].renamingReads(sources)
    }
  }
}

extension Node {
  /// Whether the third input may put a `Dropout` into training mode.
  fileprivate func mayTrain(_ constants: OrderedDictionary<String, Initializer>) -> Bool {
    guard inputs.count > 2, !inputs[2].isEmpty else { return false }
    let mode = constants[inputs[2]]?.tensor
    return mode?.elementType != .bool || mode?.elements(as: Bool.self) != [false]
  }
}
