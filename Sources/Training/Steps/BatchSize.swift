import GraphIR
import Tensors

extension Graph {
  /// The same network for batches of another size.
  ///
  /// Sets the first axis of the image inputs. It also changes the constant shapes in which the
  /// file's own batch size occurs: those of `Reshape` and `Expand`, and the sizes of `Resize`.
  /// Where a `Reshape` merges the batch with the next axis, as channel shuffles do, its first
  /// extent is multiplied. Shapes computed from `Shape`, and extents of −1, need no change.
  ///
  /// - Precondition: every required input has the batch as its first axis.
  func withBatchSize(_ count: Int, registry: OperatorRegistry) -> Graph {
    var graph = self
    var fileBatch = 1
    for index in graph.inputs.indices where initializers[graph.inputs[index].name] == nil {
      guard case .tensor(let element, var shape?) = graph.inputs[index].type, !shape.isEmpty
      else { continue }
      if let extent = shape[0].extent, extent > 0 { fileBatch = extent }
      shape[0] = .fixed(count)
      graph.inputs[index].type = .tensor(element, shape: shape)
    }
    graph.valueTypes = [:]
    guard fileBatch != count else { return graph }
    var shared: [String: String] = [:]
    var varying = Set(graph.inputs.map(\.name))
    for index in graph.nodes.indices {
      guard graph.nodes[index].inputs.contains(where: varying.contains) else { continue }
      varying.formUnion(graph.nodes[index].outputs)
      let type = registry.type(of: graph.nodes[index])
      guard let shaped = type as? any TargetShapeOperator.Type,
        case let slot = shaped.targetShapeInput,
        graph.nodes[index].inputs.indices.contains(slot),
        let tensor = graph.initializers[graph.nodes[index].inputs[slot]]?.tensor,
        tensor.elementType == .int64, tensor.count >= 2, let first = tensor.integers.first,
        first == fileBatch
          || first > fileBatch && first % fileBatch == 0
            && shaped.joinsBatch && !tensor.integers.contains(where: { $0 <= 0 })
      else { continue }
      let old = graph.nodes[index].inputs[slot]
      let name = shared[old] ?? graph.freshName("\(old)/batch")
      shared[old] = name
      graph.initializers[name] = Initializer(
        Tensor(
          [Int64(first / fileBatch * count)] + tensor.integers.dropFirst().map(Int64.init),
          shape: tensor.shape))
      graph.nodes[index].inputs[slot] = name
    }
    return graph
  }

  /// Replaces the values of constants, wherever the graph keeps them.
  public mutating func setConstants(_ values: [String: Tensor]) {
    for (name, value) in values where initializers[name] != nil {
      initializers[name]?.tensor = value
      initializers[name]?.encoding = .dense
    }
    for index in nodes.indices where nodes[index].constantTensor != nil {
      guard let name = nodes[index].outputs.first, let value = values[name] else { continue }
      nodes[index].attributes["value"] = .tensor(value)
    }
  }
}
