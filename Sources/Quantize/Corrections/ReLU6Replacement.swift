import GraphIR

extension Graph {
  /// Makes ReLU of every `Clip` from 0 to 6, so that ranges can be shared out across it.
  ///
  /// Activations above 6 are no longer cut off: another function. Reference: Nagel et al., ICCV
  /// 2019, arXiv:1906.04721, §5.1, who find the loss of accuracy negligible for MobileNetV2.
  ///
  /// - Returns: How many there were.
  @discardableResult public mutating func replaceReLU6() -> Int {
    var count = 0
    for index in nodes.indices where nodes[index].qualifiedType == "Clip" {
      let node = nodes[index]
      func bound(_ slot: Int, _ attribute: String) -> Float? {
        guard node.inputs.count > slot, !node.inputs[slot].isEmpty else {
          return try? node.attributes.float(attribute, default: .nan)
        }
        return self[constant: node.inputs[slot]]?.floats.first
      }
      guard bound(1, "min") == 0, bound(2, "max") == 6 else { continue }
      nodes[index].opType = "Relu"
      nodes[index].inputs = [node.inputs[0]]
      nodes[index].attributes = [:]
      count += 1
    }
    removeDeadNodes()
    return count
  }
}
