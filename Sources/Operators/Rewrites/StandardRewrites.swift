import GraphIR

/// The graph rewrites, in the order in which they help one another.
public enum StandardRewrites {
  /// What a session applies before it runs a graph: nothing that files could not tell apart from
  /// the original.
  public static let inference: [any GraphPass] = [
    RemoveIdentities(), UseIntegerArithmetic(), FoldPad(), FoldBatchNormalization(),
    FoldChannelAffine(), FuseSilu(),
    FuseActivation(), FuseResidualAdd(), FuseActivation(),
  ]

  /// What is applied to a model before it is differentiated for training.
  ///
  /// - Parameter momentum: How much of a batch enters the running statistics of batch
  ///   normalisations; `nil` keeps the stored ones in force.
  public static func training(momentum: Float?) -> [any GraphPass] {
    let fusions: [any GraphPass] = [RemoveIdentities(), FuseSilu()]
    return fusions + (momentum.map { [UseBatchStatistics(momentum: $0)] } ?? [])
  }
}

extension Graph {
  /// The float32 value of a constant.
  func floats(_ name: String) -> [Float]? {
    guard let tensor = self[constant: name], tensor.elementType == .float32 else { return nil }
    return tensor.elements(as: Float.self)
  }

  /// The only element of a float32 constant.
  func scalar(_ name: String) -> Float? {
    guard let values = floats(name), values.count == 1 else { return nil }
    return values[0]
  }

  /// Replaces nodes: those at `removed` go, `node` takes the place of the last of them.
  mutating func replace(_ removed: [Int], with node: Node) {
    guard let last = removed.max() else { return }
    nodes[last] = node
    for index in removed where index != last { nodes[index].outputs = [] }
  }

  /// Drops the nodes that ``replace(_:with:)`` emptied.
  mutating func dropEmptied() { nodes.removeAll { $0.outputs.isEmpty } }
}

extension Node {
  /// Whether the node is a convolution of either kind.
  var isConvolution: Bool {
    ["Conv", "compress.FusedConv", "compress.DequantizedConv"].contains(qualifiedType)
  }

  /// The fused form of a convolution, without an epilogue yet when it had none.
  var fused: Node {
    guard qualifiedType == "Conv" else { return self }
    var node = self
    node.opType = "FusedConv"
    node.domain = "compress"
    return node
  }
}
