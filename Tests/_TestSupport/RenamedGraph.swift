import GraphIR
import OrderedCollections
import Tensors

extension Graph {
  /// The same network with a value, constant or node called otherwise; inputs and outputs keep
  /// their names.
  public func renaming(_ old: String, to new: String) -> Graph {
    var result = self
    func renamed(_ name: String) -> String { name == old ? new : name }
    result.initializers = OrderedDictionary(
      uniqueKeysWithValues: initializers.map { (renamed($0.key), $0.value) })
    for index in nodes.indices {
      result.nodes[index].name = renamed(nodes[index].name)
      result.nodes[index].inputs = nodes[index].inputs.map(renamed)
      result.nodes[index].outputs = nodes[index].outputs.map(renamed)
    }
    return result
  }

  /// The names of all values, constants and nodes.
  public var allNames: Set<String> {
    Set(initializers.keys).union(nodes.flatMap { [$0.name] + $0.inputs + $0.outputs })
      .subtracting([""])
  }
}
