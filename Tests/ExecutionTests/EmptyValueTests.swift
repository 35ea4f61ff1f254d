import Execution
import GraphIR
import Operators
import Tensors
import Testing

/// Values with an extent of 0 in inputs, the arena and between nodes.
@Suite struct EmptyValueTests {
  private func graph(_ declared: [Dimension], _ nodes: [Node]) -> Graph {
    var properties = ModelProperties()
    properties.opsets = ["": 13]
    var graph = Graph(nodes: nodes, properties: properties)
    graph.inputs = [ValueInfo(name: "x", type: .tensor(.float32, shape: declared))]
    graph.outputs = [ValueInfo(name: "y", type: .undeclared)]
    return graph
  }

  private let nodes = [
    Node("Relu", inputs: ["x"], outputs: ["a"]),
    Node("Concat", inputs: ["a", "x"], outputs: ["b"], attributes: ["axis": .int(1)]),
    Node("Transpose", inputs: ["b"], outputs: ["c"], attributes: ["perm": .ints([2, 0, 1])]),
    Node("ReduceMean", inputs: ["c"], outputs: ["y"], attributes: ["axes": .ints([0])]),
  ]

  @Test(arguments: [[2, 0, 3], [0, 2, 3], [2, 2, 3]]) func runAsOneByOne(shape: [Int]) throws {
    let graph = graph(shape.map { .fixed($0) }, nodes)
    let x = Tensor((0..<shape.product).map(Float.init), shape: shape)
    let plain = try ReferenceInterpreter(graph, registry: .standard).run(["x": x])
    for sharesMemory in [true, false] {
      let session = try Session(
        graph, registry: .standard, options: SessionOptions(sharesMemory: sharesMemory))
      #expect(session.inputs[0].type.shape == shape)
      #expect(try session.run(["x": x]) == plain)
    }
    #expect(plain["y"]?.shape == [1, shape[0], 2 * shape[1]])
  }

  @Test func sumsOfNothingAreNothing() throws {
    let sum = Node(
      "ReduceSumSquare", inputs: ["x"], outputs: ["y"], attributes: ["axes": .ints([1])])
    let session = try Session(
      graph([.fixed(2), .fixed(0), .fixed(2)], [sum]), registry: .standard)
    let y = try session.run(["x": Tensor(zeros: TensorType(.float32, [2, 0, 2]))])["y"]
    #expect(y == Tensor([0, 0, 0, 0] as [Float], shape: [2, 1, 2]))
  }

  /// Exporters used to write unknown batches as 0; other extents are what they say, and shapes that
  /// are given decide.
  @Test func aBatchOfImagesDeclaredAsZeroIsOne() throws {
    let relu = Node("Relu", inputs: ["x"], outputs: ["y"])
    let images = graph([.fixed(0), .fixed(3), .fixed(2), .fixed(0)], [relu])
    #expect(try images.concreteInputTypes([:])[0].1.shape == [1, 3, 2, 0])
    #expect(try images.concreteInputTypes(["x": [0, 3, 2, 0]])[0].1.shape == [0, 3, 2, 0])
    let rows = graph([.fixed(0), .fixed(3), .fixed(4)], [relu])
    #expect(try rows.concreteInputTypes([:])[0].1.shape == [0, 3, 4])
  }

  @Test func aConvolutionPaddedBeyondItsKernelRuns() throws {
    var padded = graph(
      [.fixed(1), .fixed(1), .fixed(2), .fixed(2)],
      [
        Node(
          "Conv", inputs: ["x", "w"], outputs: ["y"], attributes: ["pads": .ints([1, 1, 1, 1])])
      ])
    padded.initializers["w"] = Initializer(Tensor([2] as [Float], shape: [1, 1, 1, 1]))
    let session = try Session(padded, registry: .standard)
    let y = try session.run(["x": Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 2, 2])])["y"]
    #expect(
      y?.elements(as: Float.self) == [0, 0, 0, 0, 0, 2, 4, 0, 0, 6, 8, 0, 0, 0, 0, 0])
  }
}
