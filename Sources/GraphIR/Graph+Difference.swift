extension Graph {
  /// The first place where another graph says something else, for example `initializer 'w'`; `nil`
  /// when both agree.
  ///
  /// The order of initializers does not matter, nor does how files store them.
  public func firstDifference(from other: Graph) -> String? {
    if name != other.name || documentation != other.documentation { return "the graph's name" }
    if properties != other.properties { return "the model's properties" }
    if inputs != other.inputs { return "the list of inputs" }
    if outputs != other.outputs { return "the list of outputs" }
    if nodes.count != other.nodes.count { return "the number of nodes" }
    for (node, twin) in zip(nodes, other.nodes) where node != twin { return node.label }
    if valueTypes != other.valueTypes { return "the types of values" }
    if initializers.count != other.initializers.count { return "the number of initializers" }
    for (name, initializer) in initializers {
      guard var twin = other.initializers[name] else { return "initializer '\(name)'" }
      twin.encoding = initializer.encoding
      if initializer != twin { return "initializer '\(name)'" }
    }
    return carried == other.carried ? nil : "fields beside the graph"
  }
}
