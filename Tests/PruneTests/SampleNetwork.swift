import GraphIR
import Operators
import Tensors
import TestSupport

/// A small detector: stem, depthwise and pointwise layers, a fixed projection and two outputs.
enum SampleNetwork {
  /// The graph with seeded weights; every value distinct from zero.
  static func graph(seed: UInt64 = 1) -> Graph {
    var random = SplitMix64(seed: seed)
    var graph = Graph(
      inputs: [ValueInfo(name: "image", type: ValueType(TensorType(.float32, [1, 3, 8, 8])))],
      outputs: [
        ValueInfo(name: "boxes", type: ValueType(TensorType(.float32, [1, 1, 8, 8]))),
        ValueInfo(name: "scores", type: ValueType(TensorType(.float32, [1, 5, 8, 8]))),
      ])
    func weight(_ name: String, _ shape: [Int]) {
      let values = (0..<shape.reduce(1, *)).map { _ in
        Float.random(in: 0.01..<1, using: &random) * (Bool.random(using: &random) ? 1 : -1)
      }
      graph[constant: name] = Tensor(values, shape: shape)
    }
    func conv(_ name: String, _ input: String, _ shape: [Int], groups: Int = 1, to output: String) {
      weight(name + ".weight", shape)
      let pad = shape[2] / 2
      graph.nodes.append(
        Node(
          "Conv", name: name, inputs: [input, name + ".weight"], outputs: [output],
          attributes: ["group": .int(groups), "pads": .ints([pad, pad, pad, pad])]))
    }
    conv("stem", "image", [8, 3, 3, 3], to: "a")
    graph.nodes.append(Node("Relu", name: "relu", inputs: ["a"], outputs: ["b"]))
    conv("depthwise", "b", [8, 1, 3, 3], groups: 8, to: "c")
    conv("wide", "c", [32, 8, 1, 1], to: "d")
    conv("deep", "d", [16, 32, 3, 3], to: "e")
    conv("box", "e", [8, 16, 1, 1], to: "distribution")
    graph[constant: "ramp"] = Tensor((0..<8).map(Float.init), shape: [1, 8, 1, 1])
    graph.nodes.append(
      Node("Conv", name: "expectation", inputs: ["distribution", "ramp"], outputs: ["boxes"]))
    conv("score", "e", [5, 16, 1, 1], to: "scores")
    return graph
  }

  /// The layers that are pruned unless asked otherwise.
  static let open = ["depthwise.weight", "wide.weight", "deep.weight"]
}

extension PruningPlanProbe {
  /// The values of one constant.
  static func values(_ graph: Graph, _ name: String) -> [Float] {
    graph[constant: name]?.elements(as: Float.self) ?? []
  }
}

/// Reads what pruning did.
enum PruningPlanProbe {}
