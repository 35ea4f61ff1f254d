import GraphIR
import Tensors

/// The other term of a sum that a layer's response goes into.
///
/// An error in a shortcut is carried past the layers of its block. The last of them can take it
/// back: with y the layer's response, s the shortcut and k what the normalisation between layer and
/// sum multiplies by, it aims at `y + (s − s′) / k` instead of y, where s′ is the shortcut in the
/// pruned network.
struct Shortcut: Sendable {
  /// The name of the other term.
  let value: String
  /// `1 / k` of each output channel; 0 where the normalisation all but silences the channel.
  let factors: [Float]

  /// The shortcut beside a node's response; `nil` where the response goes elsewhere, or where the
  /// other term is computed later or has another shape.
  init?(beside node: Int, of graph: Graph, operands: [String: Operand], links: Connectivity) {
    var output = graph.nodes[node].outputs[0]
    guard let shape = operands[output]?.shape, shape.count == 4 else { return nil }
    var factors = [Float](repeating: 1, count: shape[1])
    guard var next = links.soleConsumer(of: output) else { return nil }
    if graph.nodes[next].qualifiedType == "BatchNormalization" {
      guard let own = Self.inverseScales(graph.nodes[next], operands, count: shape[1]),
        let after = links.soleConsumer(of: graph.nodes[next].outputs[0])
      else { return nil }
      (factors, output, next) = (own, graph.nodes[next].outputs[0], after)
    }
    let sum = graph.nodes[next]
    guard sum.qualifiedType == "Add",
      let other = sum.inputs.first(where: { $0 != output }),
      let operand = operands[other], operand.constant == nil, operand.shape == shape,
      operand.elementType == .float32,
      links.producer[other].map({ $0 < node }) ?? true
    else { return nil }
    (value, self.factors) = (other, factors)
  }

  private static func inverseScales(
    _ node: Node, _ operands: [String: Operand], count: Int
  ) -> [Float]? {
    guard node.inputs.count == 5, let scale = operands[node.inputs[1]]?.constant?.floats,
      let variance = operands[node.inputs[4]]?.constant?.floats,
      scale.count == count, variance.count == count,
      let epsilon = try? node.attributes.float("epsilon", default: 1e-5)
    else { return nil }
    return zip(scale, variance).map { scale, variance in
      let factor = scale / (variance + epsilon).squareRoot()
      return factor.magnitude > Self.leastScale ? 1 / factor : 0
    }
  }

  private static let leastScale: Float = 1e-3

  /// Adds the shortcut to responses `[positions, outputs]`, in their units.
  ///
  /// - Parameter sign: 1 to add, −1 to subtract.
  func add(_ values: [Float], to responses: inout [Float], sign: Float) {
    let outputs = factors.count
    for index in responses.indices {
      responses[index] += sign * factors[index % outputs] * values[index]
    }
  }
}
