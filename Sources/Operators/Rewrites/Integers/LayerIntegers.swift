import GraphIR
import Tensors

/// The 8-bit weights of a layer, as a `DequantizeLinear` of constants passes them on.
struct LayerIntegers {
  var weights: Tensor
  var scales: Tensor
  var zeros: Tensor?

  /// What makes a value; `nil` where that is no `DequantizeLinear` of constants, with one scale or
  /// one for each output channel.
  ///
  /// - Parameter producers: The node that makes each value.
  init?(_ name: String, in graph: Graph, _ producers: [String: Int]) {
    guard let index = producers[name] else { return nil }
    let node = graph.nodes[index]
    guard node.qualifiedType == "DequantizeLinear", let weights = graph[constant: node.inputs[0]],
      weights.elementType == .int8 || weights.elementType == .uint8,
      let scales = graph[constant: node.inputs[1]],
      let axis = try? node.attributes.int("axis", default: 1),
      (try? node.attributes.int("block_size", default: 0)) == 0,
      scales.count == 1 || (scales.shape == [weights.shape[0]] && axis == 0)
    else { return nil }
    if node.inputs.count > 2, !node.inputs[2].isEmpty {
      guard let known = graph[constant: node.inputs[2]] else { return nil }
      zeros = known
    }
    (self.weights, self.scales) = (weights, scales)
  }
}
