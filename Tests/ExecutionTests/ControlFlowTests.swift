import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// `If` and `Loop` against graphs in which the branches are taken and the rounds stand one after
/// another.
struct ControlFlowTests {
  @Test(arguments: 0..<60) func programsComputeWhatTheyComeTo(seed: UInt64) throws {
    let program = ControlFlowProgram(seed: seed, onlyConstants: seed.isMultiple(of: 2))
    let (nested, flat) = (program.nested, program.flat)
    try nested.verify()
    try flat.verify()
    let feed = program.feed(nested)
    let expected = try ReferenceInterpreter(flat, registry: .standard).run(feed)
    let found = try ReferenceInterpreter(nested, registry: .standard).run(feed)
    #expect(found == expected)
    #expect(try SessionCheck(graph: nested, feed: feed).problem() == nil)
  }

  @Test(arguments: 0..<30) func whatConstantsDecideIsWrittenOut(seed: UInt64) throws {
    let program = ControlFlowProgram(seed: seed, onlyConstants: true)
    let session = try Session(program.nested, registry: .standard)
    #expect(!session.graph.nodes.contains { !$0.subgraphs.isEmpty })
    #expect(session.outputView("result") != nil || session.graph.initializers["result"] != nil)
    let inputs = try program.nested.concreteInputTypes([:])
    let typed = TypedGraph(program.nested, registry: .standard, inputs: inputs)
    #expect(typed.operands["result"]?.shape == ControlFlowProgram.shape)
  }

  @Test(arguments: 0..<20) func gradientsPassThroughBranchesAndRounds(seed: UInt64) throws {
    let program = ControlFlowProgram(seed: 2 * seed, onlyConstants: true)
    let feed = program.feed(program.nested)
    let gradients = try [program.nested, program.flat].map { graph -> Tensor? in
      // A result that is always the same has no gradient.
      let gradient = try? Gradient(
        of: ["result"], withRespectTo: ["v0"], in: graph, registry: .training)
      guard let gradient, let name = gradient.gradients["v0"], let seed = gradient.seeds["result"]
      else { return nil }
      var all = feed
      all[seed] = Tensor([Float](repeating: 1, count: 6), shape: ControlFlowProgram.shape)
      let interpreter = ReferenceInterpreter(gradient.graph, registry: .training)
      return try interpreter.run(all, taps: [name])[name]
    }
    #expect((gradients[0] == nil) == (gradients[1] == nil))
    guard let nested = gradients[0], let flat = gradients[1] else { return }
    #expect(normalizedMaxError(nested.doubles, flat.doubles) <= Tolerance.fastMath.bound)
  }

  /// A loop whose body makes `next` of the round, the condition and `v`.
  private func loop(
    _ nodes: [Node], inputs: [String], constants: [String: Tensor] = [:],
    outputs: [String] = ["c", "next"]
  ) -> Graph {
    func named(_ names: [String]) -> [ValueInfo] {
      names.map { ValueInfo(name: $0, type: .undeclared) }
    }
    let body = Graph(nodes: nodes, inputs: named(["i", "c", "v"]), outputs: named(outputs))
    var graph = Graph(
      nodes: [
        Node("Loop", inputs: inputs, outputs: ["y"], attributes: ["body": .graph(body)])
      ], inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [2])))],
      outputs: named(["y"]))
    graph.properties.opsets = ["": 17]
    for (name, tensor) in constants { graph[constant: name] = tensor }
    return graph
  }

  @Test func aLoopWithoutEndIsAnError() {
    let graph = loop([Node("Neg", inputs: ["v"], outputs: ["next"])], inputs: ["", "", "x"])
    #expect(throws: NodeError.self) {
      try ReferenceInterpreter(graph, registry: .standard).run(["x": Tensor([1, 2] as [Float])])
    }
  }

  @Test func manyRoundsAreLeftToTheRun() throws {
    let graph = loop(
      [Node("Neg", inputs: ["v"], outputs: ["next"])], inputs: ["m", "", "x"],
      constants: ["m": Tensor(scalar: Int64(70_001))])
    let session = try Session(graph, registry: .standard)
    #expect(session.graph.nodes.contains { $0.opType == "Loop" })
    let y = try session.run(["x": Tensor([1, 2] as [Float])])["y"]
    #expect(y?.elements(as: Float.self) == [-1, -2])
  }

  @Test func aBodyThatDoesNotFitIsNamed() {
    let node = Node("Neg", inputs: ["v"], outputs: ["next"])
    let missing = loop([node], inputs: ["m"], constants: ["m": Tensor(scalar: Int64(2))])
    let unmade = loop(
      [node], inputs: ["m", "", "x"], constants: ["m": Tensor(scalar: Int64(2))], outputs: ["c"])
    let condition = loop(
      [node], inputs: ["m", "x", "x"], constants: ["m": Tensor(scalar: Int64(2))])
    for graph in [missing, unmade, condition] {
      #expect(throws: NodeError.self) { try Session(graph, registry: .standard) }
    }
  }

  /// A running sum over slices of x, and of the same from the other end; the last sum too.
  @Test(arguments: [0, 1], [0, 1]) func scansWalkAlongAnAxis(axis: Int, isDynamic: Int) throws {
    let body = Graph(
      nodes: [
        Node("Add", inputs: ["sum", "slice"], outputs: ["next"]),
        Node("Identity", inputs: ["next"], outputs: ["seen"]),
      ], inputs: ["sum", "slice"].map { ValueInfo(name: $0, type: .undeclared) },
      outputs: ["next", "seen"].map { ValueInfo(name: $0, type: .undeclared) })
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [3, 3])))])
    graph.properties.opsets = ["": 17]
    graph[constant: "zero"] = Tensor([0, 0, 0] as [Float])
    graph[constant: "axis"] = Tensor(scalar: Int64(axis))
    var values = ["x"]
    if isDynamic == 1 {
      // The places of what is not zero have a shape that only the run knows.
      graph.nodes = [
        Node("NonZero", inputs: ["x"], outputs: ["places"]),
        Node("Transpose", inputs: ["places"], outputs: ["rows"]),
        Node("GatherND", inputs: ["x", "rows"], outputs: ["flat"]),
        Node("Reshape", inputs: ["flat", "square"], outputs: ["again"]),
      ]
      graph[constant: "square"] = Tensor([Int64(3), 3])
      values = ["again"]
    }
    for direction in [0, 1] {
      graph.nodes.append(
        Node(
          "Scan", inputs: ["zero"] + values, outputs: ["last\(direction)", "all\(direction)"],
          attributes: [
            "body": .graph(body), "num_scan_inputs": .int(1), "scan_input_axes": .ints([axis]),
            "scan_input_directions": .ints([direction]), "scan_output_axes": .ints([axis - 2]),
            "scan_output_directions": .ints([direction]),
          ]))
      graph.nodes.append(
        Node(
          "CumSum", inputs: ["x", "axis"], outputs: ["expected\(direction)"],
          attributes: ["reverse": .int(direction)]))
    }
    graph.outputs = ["all0", "all1", "expected0", "expected1", "last0"].map {
      ValueInfo(name: $0, type: .undeclared)
    }
    let feed = ["x": Tensor((1...9).map { Float($0) }, shape: [3, 3])]
    #expect(try SessionCheck(graph: graph, feed: feed).problem() == nil)
    let found = try Session(graph, registry: .standard).run(feed)
    #expect(found["all0"] == found["expected0"])
    #expect(found["all1"] == found["expected1"])
    #expect(found["last0"]?.elements(as: Float.self) == (axis == 0 ? [12, 15, 18] : [6, 15, 24]))
  }

  @Test func costsOfABranchAreCounted() throws {
    func branch(_ name: String) -> AttributeValue {
      .graph(
        Graph(
          nodes: [Node("MatMul", inputs: ["x", "w"], outputs: [name])],
          outputs: [ValueInfo(name: name, type: .undeclared)]))
    }
    var graph = Graph(
      nodes: [
        Node(
          "If", inputs: ["yes"], outputs: ["y"],
          attributes: ["then_branch": branch("a"), "else_branch": branch("b")])
      ], inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [2, 3])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets = ["": 17]
    graph[constant: "yes"] = Tensor(scalar: true)
    graph[constant: "w"] = Tensor([Float](repeating: 1, count: 12), shape: [3, 4])
    let cost = try ModelCost(graph, registry: .standard)
    #expect((cost.macs, cost.parameters) == (24, 12))
  }
}
