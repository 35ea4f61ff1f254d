import GraphIR
import Tensors
import Testing

/// Graphs of 16-bit floats as float32 and back.
@Suite struct WideningTests {
  static let types: [(ElementType, Int)] = [(.float16, 10), (.bfloat16, 16)]

  /// `y = cast(x · w + cast(v))`, with a `Constant`, a fill value and a subgraph, all in 16 bits.
  static func sample(_ type: ElementType, _ code: Int) -> Graph {
    func value(_ name: String, _ element: ElementType) -> ValueInfo {
      ValueInfo(name: name, type: ValueType(TensorType(element, [2, 2])))
    }
    let weights = Tensor([Float(1), 0.1, -3, 65000], shape: [2, 2]).narrowed(to: type)
    var graph = Graph(
      inputs: [value("x", type), value("v", .float32), value("w", type)],
      outputs: [value("y", type), value("z", .float32), value("rounded", type)])
    graph.properties.opsets = ["": 19]
    graph.initializers["w"] = Initializer(weights)
    graph.initializers["free"] = Initializer(Tensor([Float(0.1)]))
    graph.valueTypes["p"] = value("p", type)
    let body = Graph(
      nodes: [Node("Add", inputs: ["p", "k"], outputs: ["b"])], outputs: [value("b", type)],
      initializers: ["k": Initializer(weights)])
    graph.nodes = [
      Node("Mul", inputs: ["x", "w"], outputs: ["p"]),
      Node("Cast", inputs: ["v"], outputs: ["rounded"], attributes: ["to": .int(code)]),
      Node("Cast", inputs: ["free"], outputs: ["bound"], attributes: ["to": .int(code)]),
      Node("Constant", inputs: [], outputs: ["c"], attributes: ["value": .tensor(weights)]),
      Node("Less", inputs: ["p", "c"], outputs: ["t"]),
      Node("If", inputs: ["t"], outputs: ["i"], attributes: ["then_branch": .graph(body)]),
      Node(
        "Cast", name: "inner", inputs: ["v"], outputs: ["inner"], attributes: ["to": .int(code)]),
      Node("Sum", inputs: ["i", "rounded", "inner", "bound"], outputs: ["y"]),
      Node("Cast", inputs: ["y"], outputs: ["z"], attributes: ["to": .int(1)]),
    ]
    return graph
  }

  @Test(arguments: types) func halvesStandBetweenCastsOnly(type: ElementType, code: Int) throws {
    let graph = Self.sample(type, code)
    try graph.verify()
    let wide = graph.widened()
    try wide.verify()
    #expect(wide.inputs.map(\.type) == [graph.inputs[0].type, graph.inputs[1].type, wide32("w")])
    #expect(wide.outputs == graph.outputs)
    #expect(wide.initializers.values.allSatisfy { $0.tensor.elementType == .float32 })
    #expect(
      wide.initializers["bound"]?.tensor
        == Tensor([Float(0.1)]).narrowed(to: type).widened)
    #expect(wide[constant: "w"] == graph[constant: "w"]?.widened)
    let halves = Set(
      wide.nodes.filter { $0.attributes["to"] == .int(code) }.flatMap(\.outputs) + ["x"])
    for node in wide.nodes where node.opType != "Cast" {
      #expect(halves.isDisjoint(with: node.inputs), "\(node.label)")
    }
    let branch = try #require(wide.nodes.first { $0.opType == "If" }?.attributes["then_branch"])
    #expect(branch.subgraphs[0].outputs[0].type == wide32("b"))
    #expect(branch.subgraphs[0][constant: "k"]?.elementType == .float32)
    // Run times refuse two nodes of one name.
    #expect(wide.nodes.count { $0.name == "inner" } == 1)
    #expect(wide.widened() == wide)
  }

  private func wide32(_ name: String) -> ValueType { ValueType(TensorType(.float32, [2, 2])) }

  @Test(arguments: types) func narrowingGivesTheGraphBack(type: ElementType, code: Int) throws {
    let graph = Self.sample(type, code)
    let back = graph.widened().narrowed(like: graph)
    #expect(back.inputs == graph.inputs)
    #expect(back.outputs == graph.outputs)
    #expect(back.valueTypes == graph.valueTypes)
    for (name, initializer) in graph.initializers {
      #expect(back.initializers[name] == initializer, "\(name)")
    }
    func sorted(_ graph: Graph) -> [Node] { graph.nodes.sorted { $0.outputs[0] < $1.outputs[0] } }
    for (node, twin) in zip(sorted(back), sorted(graph)) { #expect(node == twin) }
    try back.verify()
  }

  @Test func whatIsNewFollowsWhatItMeets() throws {
    let graph = Self.sample(.float16, 10)
    var wide = graph.widened()
    let place = try #require(wide.nodes.firstIndex { $0.outputs == ["p"] })
    wide.nodes[place].outputs = ["first"]
    wide.initializers["factor"] = Initializer(
      Tensor([Float](repeating: 0.1, count: 4), shape: [2, 2]))
    wide.nodes.insert(Node("MatMul", inputs: ["first", "factor"], outputs: ["p"]), at: place + 1)
    let back = wide.narrowed(like: graph)
    #expect(back[constant: "factor"]?.elementType == .float16)
    #expect(back[constant: "free"]?.elementType == .float32)
    try back.verify()
  }

  @Test func graphsWithoutHalvesStayAsTheyAre() {
    var graph = Graph(
      nodes: [Node("Cast", inputs: ["x"], outputs: ["y"], attributes: ["to": .int(1)])],
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.uint8, [2])))],
      outputs: [ValueInfo(name: "y", type: ValueType(TensorType(.float32, [2])))])
    graph.initializers["w"] = Initializer(Tensor([Float(1)]))
    #expect(graph.widened() == graph)
    #expect(graph.narrowed(like: graph) == graph)
  }

  @Test func numbersAreRoundedToTheNearest() {
    let values: [Float] = [1, 1 + 1 / 4096, 65504, 1e6, 6e-8, -0, .infinity]
    let half = Tensor(values).narrowed(to: .float16)
    #expect(half.elements(as: Float16.self) == values.map { Float16($0) })
    #expect(half.widened.floats == values.map { Float(Float16($0)) })
    #expect(Tensor(values).narrowed(to: .bfloat16).widened.floats[1] == 1)
  }
}
