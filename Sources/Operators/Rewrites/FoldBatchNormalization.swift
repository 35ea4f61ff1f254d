import GraphIR
import Tensors

/// Folds a `BatchNormalization` into the convolution before it.
///
/// With `s = γ / √(σ² + ε)` the weights become `w·s` and the bias `(b − μ)·s + β`, computed in
/// double precision.
public struct FoldBatchNormalization: GraphPass {
  /// What the pass does.
  public let name = "fold batch normalisation"

  /// The pass.
  public init() {}

  /// Folds every batch normalisation whose convolution nobody else reads.
  public func run(on graph: inout Graph, registry: OperatorRegistry) throws {
    let links = Connectivity(graph)
    for (index, norm) in graph.nodes.enumerated()
    where norm.qualifiedType == "BatchNormalization" {
      guard norm.inputs.count == 5, let source = links.producer[norm.inputs[0]],
        ["Conv", "ConvTranspose"].contains(graph.nodes[source].qualifiedType),
        links.soleConsumer(of: norm.inputs[0]) == index,
        norm.outputs.dropFirst().allSatisfy(\.isEmpty),
        let gamma = graph.floats(norm.inputs[1]), let beta = graph.floats(norm.inputs[2]),
        let mean = graph.floats(norm.inputs[3]), let variance = graph.floats(norm.inputs[4])
      else { continue }
      let channels = gamma.count
      guard [beta, mean, variance].allSatisfy({ $0.count == channels }) else { continue }
      let epsilon = Double(try norm.attributes.float("epsilon", default: 1e-5))
      let scale = zip(gamma, variance).map {
        Double($0) / (Double($1) + epsilon).squareRoot()
      }
      let shift = zip(zip(beta, mean), scale).map { Double($0.0) - Double($0.1) * $1 }
      try graph.scaleOutputs(of: source, into: index, by: scale, shift: shift)
    }
    graph.dropEmptied()
  }
}

extension Graph {
  /// Multiplies the output channels of a convolution and adds to them, in place of the node at
  /// `follower`.
  ///
  /// Leaves the graph as it is when the weights are not constant or of another number of channels.
  mutating func scaleOutputs(
    of source: Int, into follower: Int, by scale: [Double], shift: [Double]
  ) throws {
    var convolution = nodes[source]
    let isTransposed = convolution.qualifiedType == "ConvTranspose"
    guard convolution.inputs.count >= 2, let weights = self[constant: convolution.inputs[1]],
      weights.elementType == .float32, weights.shape.count >= 3
    else { return }
    let groups = try convolution.attributes.int("group", default: 1)
    let channels = isTransposed ? weights.shape[1] * groups : weights.shape[0]
    guard scale.count == channels, !isTransposed || groups == 1 else { return }
    let hasBias = convolution.inputs.count > 2 && !convolution.inputs[2].isEmpty
    var bias = [Float](repeating: 0, count: channels)
    if hasBias {
      guard let own = floats(convolution.inputs[2]), own.count == channels else { return }
      bias = own
    }
    var folded = weights
    let inner = weights.shape.dropFirst(isTransposed ? 2 : 1).product
    folded.withUnsafeMutableElements(as: Float.self) { values in
      for index in values.indices {
        let channel = isTransposed ? index / inner % channels : index / inner
        values[index] = Float(Double(values[index]) * scale[channel])
      }
    }
    let newBias = (0..<channels).map { Float(Double(bias[$0]) * scale[$0] + shift[$0]) }
    let weightName = freshName(convolution.inputs[1] + "_folded")
    initializers[weightName] = Initializer(folded)
    let biasName = freshName(weightName + "_bias")
    initializers[biasName] = Initializer(Tensor(newBias))
    convolution.inputs = [convolution.inputs[0], weightName, biasName]
    convolution.outputs = [nodes[follower].outputs[0]]
    replace([source, follower], with: convolution)
  }
}
