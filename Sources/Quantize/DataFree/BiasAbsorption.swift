import GraphIR
import Tensors

/// Moves what ReLU never cuts off from a layer's bias into that of the layer that reads it.
///
/// Equalisation can leave large biases, whose activations need wide ranges. Where a channel before
/// ReLU is above `c = max(0, β − 3γ)` all but always, `ReLU(x) = ReLU(x − c) + c` there, so that c
/// can be taken from the first bias and `Σ w c` added to the second. Reference: Nagel et al., ICCV
/// 2019, arXiv:1906.04721, §4.1.3. Layers that pad with zeros are left alone unless the next has
/// one position: at borders c would be missing. The paper takes no note of that.
public struct BiasAbsorption: Sendable {
  /// What is taken from each channel, by the first layer's first output.
  public private(set) var amounts: [String: [Float]] = [:]

  /// Chooses amounts for the pairs of an equalised network.
  ///
  /// - Parameter normals: The distributions of the values before ReLU, equalised too.
  public init(
    _ graph: Graph, pairs: [CrossLayerEqualization.Pair], normals: [String: [ChannelMoments.Normal]]
  ) {
    for pair in pairs where Self.suits(pair, graph) {
      let output = graph.nodes[pair.first].outputs[0]
      guard let own = normals[output] else { continue }
      let amount = own.map { max(0, $0.mean - 3 * $0.deviation) }
      if amount.contains(where: { $0 > 0 }) { amounts[output] = amount }
    }
  }

  /// Whether ReLU alone stands between, both layers have biases, and the second pads with nothing.
  private static func suits(_ pair: CrossLayerEqualization.Pair, _ graph: Graph) -> Bool {
    let (first, second) = (graph.nodes[pair.first], graph.nodes[pair.second])
    let links = Connectivity(graph)
    guard [first, second].allSatisfy({ $0.inputs.count > 2 && !$0.inputs[2].isEmpty }),
      let between = links.producer[pair.value], graph.nodes[between].qualifiedType == "Relu",
      graph.nodes[between].inputs[0] == first.outputs[0]
    else { return false }
    let pads = (try? second.attributes.ints("pads")) ?? []
    let automatic = (try? second.attributes.string("auto_pad", default: "NOTSET")) ?? "NOTSET"
    return pads.allSatisfy { $0 == 0 } && ["NOTSET", "VALID"].contains(automatic)
  }

  /// Moves amounts in a prepared network.
  public static func apply(
    _ amounts: [String: [Float]], pairs: [CrossLayerEqualization.Pair], to graph: inout Graph
  ) {
    for pair in pairs {
      let (first, second) = (graph.nodes[pair.first], graph.nodes[pair.second])
      guard let amount = amounts[first.outputs[0]], first.inputs.count > 2,
        second.inputs.count > 2, var before = graph[constant: first.inputs[2]],
        var after = graph[constant: second.inputs[2]],
        let weights = graph[constant: second.inputs[1]], before.count == amount.count,
        after.count == weights.shape[0]
      else { continue }
      let sums = weights.sumsOverTaps
      let inputs = weights.shape[1]
      before.withUnsafeMutableElements(as: Float.self) { bias in
        for channel in bias.indices { bias[channel] -= amount[channel] }
      }
      after.withUnsafeMutableElements(as: Float.self) { bias in
        for output in bias.indices {
          for input in 0..<inputs {
            let channel = pair.isDepthwise ? output : input
            bias[output] += sums[output * inputs + input] * amount[channel]
          }
        }
      }
      graph[constant: first.inputs[2]] = before
      graph[constant: second.inputs[2]] = after
    }
  }

  /// The network before amounts are moved with `ReLU(x − c) + c` in place of each `ReLU(x)`: what
  /// it computes once they are.
  public static func predicted(
    _ amounts: [String: [Float]], pairs: [CrossLayerEqualization.Pair], for graph: Graph
  ) -> Graph {
    var result = graph
    var names = FreshNames(graph)
    var nodes: [Node] = []
    let links = Connectivity(graph)
    let moved = Dictionary(
      pairs.compactMap { pair -> (Int, [Float])? in
        guard let between = links.producer[pair.value],
          let amount = amounts[graph.nodes[pair.first].outputs[0]]
        else { return nil }
        return (between, amount)
      }, uniquingKeysWith: { first, _ in first })
    for (index, node) in graph.nodes.enumerated() {
      guard let amount = moved[index] else {
        nodes.append(node)
        continue
      }
      let constant = names.value("\(node.outputs[0])/amount")
      let (less, positive) = (
        names.value("\(node.outputs[0])/less"), names.value("\(node.outputs[0])/positive")
      )
      result[constant: constant] = Tensor(amount, shape: [1, amount.count, 1, 1])
      nodes += [
        Node("Sub", inputs: [node.inputs[0], constant], outputs: [less]),
        Node("Relu", inputs: [less], outputs: [positive]),
        Node("Add", inputs: [positive, constant], outputs: node.outputs),
      ]
    }
    result.nodes = nodes
    return result
  }
}

extension Tensor {
  /// Weights `[O, I, kH, kW]` summed over kernel positions, `[O, I]`.
  var sumsOverTaps: [Float] {
    let taps = shape.dropFirst(2).reduce(1, *)
    let values = floats
    return stride(from: 0, to: values.count, by: max(taps, 1)).map { start in
      values[start..<start + taps].reduce(0, +)
    }
  }
}
