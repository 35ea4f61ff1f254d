import GraphIR

extension Graph {
  /// The outputs of the last convolutions before the graph's outputs, in the order of the nodes.
  ///
  /// The fixed projection that turns a distribution into its mean counts as decoding.
  public func lastConvolutions(_ registry: OperatorRegistry) -> [String] {
    lastConvolutions(before: outputs.map(\.name), registry)
  }

  /// The outputs of the last convolutions before some values, in the order of the nodes.
  func lastConvolutions(before values: [String], _ registry: OperatorRegistry) -> [String] {
    let links = Connectivity(self)
    let learnt = Set(TrainableParameter.all(in: self, registry: registry).map(\.name))
    let aliases = self.aliases(registry)
    // Weights with fake quantisation, and weights stored as integers, count as well.
    func isLearnt(_ name: String) -> Bool {
      if learnt.contains(aliases[name] ?? name) { return true }
      guard let maker = links.producer[name].map({ nodes[$0] }) else { return false }
      return registry.integerRole(of: maker) == .dequantizer
        && self[constant: maker.inputs[0]] != nil
    }
    var found: Set<Int> = []
    var seen: Set<Int> = []
    var front = values.compactMap { links.producer[$0] }
    while let index = front.popLast() {
      guard seen.insert(index).inserted else { continue }
      let node = nodes[index]
      if node.qualifiedType == "Conv", node.inputs.count > 1,
        isLearnt(node.inputs[1])
      {
        found.insert(index)
      } else {
        front += node.inputs.compactMap { links.producer[$0] }
      }
    }
    return found.sorted().map { nodes[$0].outputs[0] }
  }

  /// The value behind the normalisations and constant factors and terms of each channel that follow
  /// a convolution; the convolution's own where none do.
  func affineEnd(of convolution: String, _ links: Connectivity) -> String {
    var value = convolution
    while let index = links.soleConsumer(of: value), isAffine(nodes[index], of: value) {
      value = nodes[index].outputs[0]
    }
    return value
  }

  /// The index of a value among the inputs of the concatenation that it reaches through nodes of
  /// one input; 0 where it reaches none.
  func place(of value: String, _ links: Connectivity) -> Int {
    var value = value
    while let index = links.soleConsumer(of: value) {
      let node = nodes[index]
      if node.qualifiedType == "Concat" { return node.inputs.firstIndex(of: value) ?? 0 }
      guard node.inputs.first == value, node.outputs.count == 1 else { return 0 }
      value = node.outputs[0]
    }
    return 0
  }

  /// Whether a node scales or shifts each channel `[N, C, H, W]` of a value by constants.
  func isAffine(_ node: Node, of value: String) -> Bool {
    switch node.qualifiedType {
    case "BatchNormalization":
      return node.inputs.count == 5 && node.inputs[0] == value
        && node.inputs.dropFirst().allSatisfy { self[constant: $0] != nil }
    case "Mul", "Add":
      guard let other = node.inputs.first(where: { $0 != value }),
        let shape = self[constant: other]?.shape
      else { return false }
      let extents = [Int](repeating: 1, count: max(0, 4 - shape.count)) + shape
      return extents.count == 4 && extents[1] > 1 && extents.product == extents[1]
    default: return false
    }
  }
}
