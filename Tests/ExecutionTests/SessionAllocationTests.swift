import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Which constants a session holds on to once its kernels have packed their weights.
@Suite struct SessionAllocationTests {
  /// Two convolutions of `x`, `[1, 2, 5, 6]`, by the weights `own` and `shared`.
  private var graph: Graph {
    var random = SplitMix64(seed: 3)
    func weights() -> Initializer {
      let values = (0..<54).map { _ in Float.random(in: -1...1, using: &random) }
      return Initializer(Tensor(values, shape: [3, 2, 3, 3]))
    }
    return Graph(
      nodes: [
        Node("Conv", inputs: ["x", "own", "bias"], outputs: ["y"]),
        Node("Conv", inputs: ["x", "shared"], outputs: ["z"]),
      ],
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 2, 5, 6])))],
      outputs: [
        ValueInfo(name: "y", type: .undeclared), ValueInfo(name: "z", type: .undeclared),
      ],
      initializers: [
        "own": weights(), "shared": weights(),
        "bias": Initializer(Tensor([1, 2, 3] as [Float])),
      ])
  }

  private var feed: [String: Tensor] {
    ["x": Tensor((0..<60).map { Float($0 % 7) - 3 }, shape: [1, 2, 5, 6])]
  }

  @Test func packedWeightsAreLetGo() throws {
    let graph = self.graph
    let session = try Session(graph, registry: .standard)
    #expect(session.graph.initializers.isEmpty)
    let expected = try ReferenceInterpreter(graph, registry: .standard).run(feed)
    #expect(try session.run(feed) == expected)
    #expect(try session.run(feed) == expected)
  }

  @Test func weightsThatAnotherNodeReadsStay() throws {
    var graph = self.graph
    graph.inputs.append(
      ValueInfo(name: "w", type: ValueType(TensorType(.float32, [1, 2, 3, 3]))))
    graph.nodes.append(Node("Conv", inputs: ["w", "shared"], outputs: ["v"]))
    graph.outputs.append(ValueInfo(name: "v", type: .undeclared))
    var feed = self.feed
    feed["w"] = Tensor((0..<18).map { Float($0) }, shape: [1, 2, 3, 3])
    let session = try Session(graph, registry: .standard)
    #expect(session.graph.initializers.keys.elementsEqual(["shared"]))
    #expect(
      try session.run(feed) == ReferenceInterpreter(graph, registry: .standard).run(feed))
  }

  @Test func weightsThatAreReturnedStay() throws {
    var graph = self.graph
    graph.outputs.append(ValueInfo(name: "own", type: .undeclared))
    let session = try Session(graph, registry: .standard)
    let outputs = try session.run(feed)
    #expect(outputs["own"] == graph[constant: "own"])
  }
}
