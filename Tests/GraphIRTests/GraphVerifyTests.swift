import GraphIR
import Tensors
import TestSupport
import Testing

@Suite struct GraphVerifyTests {
  /// x → Conv(w) → y → Relu → z.
  static let chain = Graph(
    nodes: [
      Node("Conv", name: "conv", inputs: ["x", "w"], outputs: ["y"]),
      Node("Relu", inputs: ["y"], outputs: ["z"]),
    ],
    inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: [.symbolic("N"), .fixed(3)]))],
    outputs: [ValueInfo(name: "z", type: .undeclared)],
    initializers: ["w": Initializer(Tensor([1, 2, 3] as [Float]))])

  @Test func aChainIsWellFormed() throws { try Self.chain.verify() }

  @Test func readingBeforeMakingIsNamed() {
    var graph = Self.chain
    graph.nodes.reverse()
    #expect(throws: GraphError.undefinedValue(name: "y", node: "Relu → 'z'")) {
      try graph.verify()
    }
  }

  @Test func makingTwiceIsNamed() {
    var graph = Self.chain
    graph.nodes.append(Node("Relu", name: "again", inputs: ["x"], outputs: ["y"]))
    #expect(throws: GraphError.duplicateValue(name: "y", node: "Relu 'again'")) {
      try graph.verify()
    }
  }

  @Test func anInitializerMayDefaultAnInputButNodesMayNotMakeIt() throws {
    var graph = Self.chain
    graph.inputs.append(ValueInfo(name: "w", type: .undeclared))
    try graph.verify()
    #expect(graph.requiredInputs.map(\.name) == ["x"])
    graph.nodes.append(Node("Relu", inputs: ["x"], outputs: ["w"]))
    #expect(throws: GraphError.self) { try graph.verify() }
  }

  @Test func aMissingOutputIsNamed() {
    var graph = Self.chain
    graph.outputs.append(ValueInfo(name: "nowhere", type: .undeclared))
    #expect(throws: GraphError.undefinedOutput(name: "nowhere")) { try graph.verify() }
  }

  @Test func subgraphsSeeOuterValuesMadeBefore() throws {
    let branch = Graph(
      nodes: [Node("Neg", inputs: ["y"], outputs: ["b"])],
      outputs: [ValueInfo(name: "b", type: .undeclared)])
    var graph = Self.chain
    let node = Node(
      "If", inputs: ["x"], outputs: ["r"], attributes: ["then_branch": .graph(branch)])
    graph.nodes.append(node)
    try graph.verify()
    graph.nodes.removeLast()
    graph.nodes.insert(node, at: 0)
    #expect(throws: GraphError.undefinedValue(name: "y", node: "Neg → 'b'")) { try graph.verify() }
  }
}

@Suite struct GraphScopeTests {
  static func nested(reading name: String, making output: String) -> Graph {
    let inner = Graph(
      nodes: [Node("Neg", inputs: [name], outputs: [output])],
      outputs: [ValueInfo(name: output, type: .undeclared)])
    let middle = Graph(
      nodes: [
        Node("Neg", inputs: ["y"], outputs: ["m"]),
        Node("If", inputs: ["m"], outputs: ["i"], attributes: ["then_branch": .graph(inner)]),
      ], outputs: [ValueInfo(name: "i", type: .undeclared)])
    var graph = GraphVerifyTests.chain
    graph.nodes.append(
      Node("If", inputs: ["x"], outputs: ["r"], attributes: ["bodies": .graphs([middle, middle])]))
    return graph
  }

  @Test(arguments: ["x", "w", "y", "z", "m"])
  func innerGraphsSeeAllAroundThem(name: String) throws {
    try Self.nested(reading: name, making: "b").verify()
  }

  @Test(arguments: ["r", "i", "b"])
  func innerGraphsDoNotSeeWhatComesLater(name: String) {
    #expect(throws: GraphError.undefinedValue(name: name, node: "Neg → 'b'")) {
      try Self.nested(reading: name, making: "b").verify()
    }
  }

  @Test func aNameMayBeUsedAgainInside() throws {
    try Self.nested(reading: "x", making: "y").verify()
  }

  @Test func anInputListedTwiceIsNamedEvenWithADefault() {
    var graph = GraphVerifyTests.chain
    graph.inputs += [ValueInfo(name: "w", type: .undeclared)]
    graph.inputs += [ValueInfo(name: "w", type: .undeclared)]
    #expect(throws: GraphError.duplicateValue(name: "w", node: "the list of graph inputs")) {
      try graph.verify()
    }
  }

  @Test func manySubgraphsOfALargeGraphTakeNoLongerThanItsNodes() throws {
    let body = Graph(outputs: [ValueInfo(name: "x", type: .undeclared)])
    let graphs = [1, 4].map { factor in
      var graph = GraphVerifyTests.chain
      graph.nodes += (0..<5000 * factor).map {
        Node("If", inputs: ["x"], outputs: ["o\($0)"], attributes: ["body": .graph(body)])
      }
      return graph
    }
    // Squared time would make it sixteen.
    #expect(try processorGrowth { try graphs[$0 / 4].verify() } < 9)
  }
}

@Suite struct AttributeEqualityTests {
  @Test func floatsAreComparedByTheirBits() {
    #expect(AttributeValue.float(.nan) == .float(.nan))
    #expect(AttributeValue.float(0) != .float(-0.0))
    #expect(AttributeValue.floats([.nan, 1]) == .floats([.nan, 1]))
    #expect(AttributeValue.floats([0]) != .floats([-0.0]))
    #expect(AttributeValue.int(1) != .float(1))
    #expect(AttributeValue.reference(name: "a", kind: 1) != .reference(name: "a", kind: 2))
  }
}

@Suite struct GraphEditTests {
  @Test func sortingRestoresAnOrder() throws {
    var graph = GraphVerifyTests.chain
    graph.nodes.reverse()
    try graph.sortTopologically()
    #expect(graph == GraphVerifyTests.chain)
  }

  @Test func sortingKeepsAnOrderThatStands() throws {
    var graph = GraphVerifyTests.chain
    try graph.sortTopologically()
    #expect(graph == GraphVerifyTests.chain)
  }

  @Test func aCycleIsNamed() {
    var graph = GraphVerifyTests.chain
    graph.nodes[0].inputs[0] = "z"
    #expect(throws: GraphError.self) { try graph.sortTopologically() }
  }

  @Test func deadNodesAndTheirWeightsGo() throws {
    var graph = GraphVerifyTests.chain
    graph.nodes.append(Node("Mul", inputs: ["y", "v"], outputs: ["unused"]))
    graph.initializers["v"] = Initializer(Tensor(scalar: Float(2)))
    graph.valueTypes["unused"] = ValueInfo(name: "unused", type: .undeclared)
    graph.removeDeadNodes()
    #expect(graph == GraphVerifyTests.chain)
  }

  @Test func whatASubgraphReadsIsAlive() {
    var graph = GraphVerifyTests.chain
    let branch = Graph(
      nodes: [Node("Neg", inputs: ["y"], outputs: ["b"])],
      outputs: [ValueInfo(name: "b", type: .undeclared)])
    graph.nodes[1] = Node(
      "If", inputs: ["x"], outputs: ["z"], attributes: ["then_branch": .graph(branch)])
    graph.removeDeadNodes()
    #expect(graph.nodes.map(\.opType) == ["Conv", "If"])
  }

  @Test func freshNamesAreFree() {
    let graph = GraphVerifyTests.chain
    #expect(graph.freshName("new") == "new")
    #expect(graph.freshName("y") == "y_1")
    #expect(graph.freshName("w") == "w_1")
    #expect(graph.freshName("x") == "x_1")
  }

  @Test func soleConsumersExcludeOutputsAndFans() {
    var graph = GraphVerifyTests.chain
    #expect(Connectivity(graph).soleConsumer(of: "y") == 1)
    #expect(Connectivity(graph).soleConsumer(of: "z") == nil)
    graph.nodes.append(Node("Neg", inputs: ["y"], outputs: ["q"]))
    #expect(Connectivity(graph).soleConsumer(of: "y") == nil)
  }
}
