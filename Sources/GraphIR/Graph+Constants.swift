import Tensors

extension Node {
  /// The tensor of a `Constant` node that holds one.
  public var constantTensor: Tensor? {
    guard opType == "Constant", domain.isEmpty, case .tensor(let tensor)? = attributes["value"]
    else { return nil }
    return tensor
  }
}

extension Graph {
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
