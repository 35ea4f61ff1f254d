import GraphIR
import Tensors

/// Turns what stands between `DequantizeLinear` and `QuantizeLinear` into arithmetic on the bytes
/// themselves.
///
/// Convolutions and matrices become sums of 8-bit products. Functions of one value become tables of
/// 256 bytes. Sums, products and concatenations become operators on integers, and layout operators
/// rearrange bytes. The result agrees with the definition of the nodes to within one step of
/// rounding.
struct UseIntegerArithmetic: GraphPass {
  let name = "use integer arithmetic"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    guard graph.nodes.contains(where: { $0.qualifiedType == "DequantizeLinear" }) else { return }
    var rewriting = IntegerRewriting(graph, registry: registry)
    try rewriting.rewrite()
    graph = rewriting.result
    graph.removeDeadNodes()
    try FuseByteTables().run(on: &graph, registry: registry)
  }
}

/// Moves tables of bytes into the tables and convolutions before them.
struct FuseByteTables: GraphPass {
  let name = "fuse byte tables"

  func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    var names = FreshNames(graph)
    for index in graph.nodes.indices where graph.nodes[index].qualifiedType == "compress.ByteTable"
    {
      let node = graph.nodes[index]
      guard let source = links.producer[node.inputs[0]],
        links.soleConsumer(of: node.inputs[0]) == index,
        let table = graph[constant: node.inputs[1]]
      else { continue }
      var before = graph.nodes[source]
      switch before.qualifiedType {
      case "QLinearConv":
        before.opType = "FusedQLinearConv"
        before.domain = "compress"
        before.inputs += Array(repeating: "", count: 9 - before.inputs.count) + [node.inputs[1]]
      case "compress.ByteTable", "compress.FusedQLinearConv":
        let slot = before.inputs.count - 1
        guard let first = graph[constant: before.inputs[slot]] else { continue }
        let name = names.value("\(node.inputs[1])/after/\(before.inputs[slot])")
        graph.initializers[name] = Initializer(first.followed(by: table))
        before.inputs[slot] = name
      default: continue
      }
      before.outputs = node.outputs
      graph.replace([source, index], with: before)
    }
    graph.dropEmptied()
    graph.removeDeadNodes()
  }
}

extension Tensor {
  /// The table of 256 bytes that looks up first here, then in `next`.
  fileprivate func followed(by next: Tensor) -> Tensor {
    var result = next
    result.makeUnique()
    withUnsafeBytes { first in
      next.withUnsafeBytes { second in
        for place in 0..<256 { result.rawBytes[place] = second[Int(first[place])] }
      }
    }
    return result
  }
}
