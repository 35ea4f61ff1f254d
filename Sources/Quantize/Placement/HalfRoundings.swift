import Execution
import GraphIR
import Tensors

extension Graph {
  /// The network without what rounds to 16 bits between float32 values, which are nothing next to
  /// those to 8 bits.
  ///
  /// They stand where converters kept single operators in float32, and would part these from the
  /// layers around them.
  ///
  /// - Throws: ``ExecutionError`` when an input's shape is not known.
  func withoutHalfRoundings(
    registry: OperatorRegistry, inputShapes: [String: [Int]]
  ) throws -> Graph {
    let links = Connectivity(self)
    let typed = TypedGraph(
      self, registry: registry, inputs: try concreteInputTypes(inputShapes)
    ).operands
    func element(_ name: String) -> ElementType? { typed[name]?.elementType }
    func isCast(_ index: Int) -> Bool { nodes[index].qualifiedType == "Cast" }
    guard
      nodes.indices.contains(where: { isCast($0) && element(nodes[$0].outputs[0])?.isHalf == true })
    else { return self }
    var sources: [String: String] = [:]
    for (index, node) in nodes.enumerated() where isCast(index) {
      let (input, output) = (node.inputs[0], node.outputs[0])
      guard element(output) == .float32, !links.outputs.contains(output) else { continue }
      if element(input) == .float32 {
        sources[output] = sources[input] ?? input
      } else if element(input)?.isHalf == true, let maker = links.producer[input], isCast(maker),
        element(nodes[maker].inputs[0]) == .float32
      {
        let origin = nodes[maker].inputs[0]
        sources[output] = sources[origin] ?? origin
      }
    }
    var graph = self
    for (output, source) in sources { graph.replaceUses(of: output, with: source) }
    graph.removeDeadNodes()
    return graph
  }
}
