import Tensors

extension Node {
  /// The tensor of a `Constant` node that holds one.
  public var constantTensor: Tensor? {
    guard opType == "Constant", domain.isEmpty, case .tensor(let tensor)? = attributes["value"]
    else { return nil }
    return tensor
  }
}

extension Tensor {
  /// Whether the numbers are 0, 1, 2 … along one axis: the fixed weights that turn a distribution
  /// into its mean.
  public var isRamp: Bool {
    guard count >= 4, shape.count(where: { $0 > 1 }) == 1, elementType.isFloatingPoint else {
      return false
    }
    return doubles.enumerated().allSatisfy { $1 == Double($0) }
  }
}

extension Graph {
  /// The constants by name: initializers and the tensors of `Constant` nodes.
  public var constants: [String: Tensor] {
    var constants: [String: Tensor] = [:]
    for (name, initializer) in initializers { constants[name] = initializer.tensor }
    for node in nodes {
      if let value = node.constantTensor, let output = node.outputs.first {
        constants[output] = value
      }
    }
    return constants
  }

  /// The same network with the tensors of its `Constant` nodes as initializers.
  public func withConstantsAsInitializers() -> Graph {
    var graph = self
    graph.nodes.removeAll { node in
      guard let tensor = node.constantTensor, let name = node.outputs.first else {
        return false
      }
      graph.initializers[name] = Initializer(tensor)
      return true
    }
    return graph
  }

  /// Sets a constant, whether an initializer or a `Constant` node holds it.
  ///
  /// A constant that nodes compute becomes an initializer.
  public mutating func setConstant(_ name: String, _ tensor: Tensor) {
    if initializers[name] != nil {
      self[constant: name] = tensor
    } else if let node = nodes.firstIndex(where: { $0.outputs.first == name }),
      nodes[node].constantTensor != nil
    {
      nodes[node].attributes["value"] = .tensor(tensor)
    } else {
      let fresh = freshName("\(name)/kept")
      replaceUses(of: name, with: fresh)
      self[constant: fresh] = tensor
    }
  }
}
