import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Small graphs that a memory plan must not get wrong.
struct SessionMemoryTests {
  private func check(_ lines: (inout Sketch) -> Void) throws {
    let sketch = Sketch.of(lines)
    #expect(try SessionCheck(graph: sketch.graph, feed: sketch.feed).problem() == nil)
  }

  @Test(arguments: [1, 3]) func aConvolutionDoesNotOverwriteTheInputItStillReads(size: Int) throws {
    try check { net in
      // Large enough for several tiles: rows of the output are written before all input is read.
      let factors = net.constant(Tensor([1, 1, 16, 16] as [Float]))
      let x = net.node("Relu", [net.node("Resize", ["x", "", factors])])
      net.output(net.node("Add", [net.convolution(x, size: size), x]))
    }
  }

  @Test(arguments: ["Mul", "Add"]) func aValueMeetsAPartOfItself(opType: String) throws {
    try check { net in
      let x = net.node("Sigmoid", ["x"])
      let part = net.node(
        "Slice",
        [x, net.constant(Tensor([Int64(0)])), net.constant(Tensor([Int64(1)]))])
      let first = net.node(
        "Slice",
        [
          part, net.constant(Tensor([Int64(0)])), net.constant(Tensor([Int64(1)])),
          net.constant(Tensor([Int64(1)])),
        ])
      net.output(net.node(opType, [x, first]))
    }
  }

  @Test(arguments: ["Sum", "Mean"]) func aSummandIsReadAgainAfterTheFirstSum(opType: String) throws
  {
    try check { net in
      let (a, b) = (net.node("Relu", ["x"]), net.node("Sigmoid", ["x"]))
      net.output(net.node(opType, [a, b, a]))
    }
  }

  @Test func outputsNobodyWantsHaveRoomOfTheirOwn() throws {
    try check { net in
      let flat = net.node("Flatten", ["x"], ["axis": .int(3)])
      for (index, k) in [6, 1].enumerated() {
        let best = net.constant(Tensor([Int64(k)]))
        _ = net.node("TopK", [flat, best], outputs: ["", "places\(index)"])
        net.output("places\(index)")
      }
      _ = net.node("TopK", [flat, net.constant(Tensor([Int64(4)]))], outputs: ["best"])
      net.output("best")
    }
  }

  @Test func inputsConstantsAndViewsMayBeOutputs() throws {
    try check { net in
      let view = net.node("Flatten", ["x"])
      let constant = net.weights([3])
      let y = net.node("Relu", [view])
      net.output("x", view, constant, y, y)
    }
  }

  @Test func joinedPartsMayBeReadAfterwards() throws {
    try check { net in
      let (a, b) = (net.node("Relu", ["x"]), net.convolution("x"))
      let joined = net.node("Concat", [a, b, a], ["axis": .int(1)])
      let wider = net.node("Concat", [joined, b], ["axis": .int(1)])
      net.output(net.node("Sigmoid", [wider]), net.node("Add", [a, b]), net.node("Relu", [joined]))
    }
  }

  @Test func outputsAreCopies() throws {
    let sketch = Sketch.of { net in net.output(net.node("Flatten", ["x"])) }
    let session = try Session(sketch.graph, registry: .standard)
    let first = try session.run(sketch.feed)
    let kept = try #require(first.values.first).elements(as: Float.self)
    _ = try session.run(["x": Tensor(zeros: Sketch.inputType)])
    #expect(first.values.first?.elements(as: Float.self) == kept)
  }

  @Test func sharingSavesMemory() throws {
    let sketch = Sketch.of { net in
      var x = "x"
      for _ in 0..<10 { x = net.convolution(net.node("Relu", [x])) }
      net.output(x)
    }
    let shared = try Session(sketch.graph, registry: .standard)
    let apart = try Session(
      sketch.graph, registry: .standard, options: SessionOptions(sharesMemory: false))
    // Of 21 tensors the input and two neighbours live at once.
    #expect(shared.arenaBytes == 3 * Sketch.inputType.byteCount)
    #expect(apart.arenaBytes == 21 * Sketch.inputType.byteCount)
  }

  @Test func tapsReturnIntermediateValues() throws {
    let sketch = Sketch.of { net in
      let y = net.node("Relu", ["x"])
      net.output(net.node("Sigmoid", [net.node("Abs", [y])]))
    }
    let expected = try ReferenceInterpreter(sketch.graph, registry: .standard)
      .run(sketch.feed, taps: ["v1", "v2"])
    let session = try Session(
      sketch.graph, registry: .standard, options: SessionOptions(taps: ["v1", "v2"]))
    #expect(try session.run(sketch.feed) == expected)
    #expect(throws: ExecutionError.unknownTap(name: "v9")) {
      _ = try Session(
        sketch.graph, registry: .standard, options: SessionOptions(taps: ["v9"]))
    }
  }
}

/// Inputs that do not fit are refused by name.
struct SessionInputTests {
  private func graph(_ type: ValueType) -> Graph {
    var graph = Graph(
      nodes: [Node("Identity", inputs: ["x"], outputs: ["y"])],
      inputs: [ValueInfo(name: "x", type: type)],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph.properties.opsets = ["": 17]
    return graph
  }

  @Test func textIsRefused() {
    #expect(throws: ExecutionError.unsupportedInput(name: "x", declared: "string[2]")) {
      _ = try Session(graph(.tensor(.string, shape: [.fixed(2)])), registry: .standard)
    }
  }

  @Test func aBatchOfUnknownSizeIsOneUnlessSaid() throws {
    let dynamic = graph(
      .tensor(.float32, shape: [.symbolic("N"), .fixed(3), .fixed(4), .fixed(4)]))
    #expect(try Session(dynamic, registry: .standard).inputs[0].type.shape == [1, 3, 4, 4])
    let options = SessionOptions(inputShapes: ["x": [5, 3, 4, 4]])
    let session = try Session(dynamic, registry: .standard, options: options)
    #expect(session.inputs[0].type.shape == [5, 3, 4, 4])
  }

  @Test func unknownMissingAndMisshapenInputsAreNamed() throws {
    let fixed = graph(ValueType(TensorType(.float32, [2])))
    #expect(throws: ExecutionError.self) {
      _ = try Session(
        fixed, registry: .standard, options: SessionOptions(inputShapes: ["z": [2]]))
    }
    #expect(throws: ExecutionError.self) {
      _ = try Session(
        fixed, registry: .standard, options: SessionOptions(inputShapes: ["x": [3]]))
    }
    let session = try Session(fixed, registry: .standard)
    #expect(throws: ExecutionError.missingInput(name: "x")) { _ = try session.run([:]) }
    #expect(
      throws: ExecutionError.inputType(name: "x", expected: "float32[2]", found: "float32[3]")
    ) { _ = try session.run(["x": Tensor([1, 2, 3] as [Float])]) }
    #expect(throws: ExecutionError.unknownInput(name: "q", known: ["x"])) {
      _ = try session.run(["q": Tensor([1, 2] as [Float])])
    }
  }

  @Test func namesOfUnnamedOutputsCannotBeTaken() {
    var graph = graph(ValueType(TensorType(.float32, [2])))
    graph.nodes[0].outputs = ["\u{0}0.1"]
    graph.outputs[0].name = "\u{0}0.1"
    #expect(throws: NodeError.self) { _ = try Session(graph, registry: .standard) }
    graph = self.graph(ValueType(TensorType(.float32, [2])))
    graph.inputs[0].name = "\u{0}0.1"
    graph.nodes[0].inputs = ["\u{0}0.1"]
    #expect(throws: ExecutionError.unusableName(name: "\u{0}0.1")) {
      _ = try Session(graph, registry: .standard)
    }
  }

  @Test func unknownOperatorsAreNamed() {
    var graph = graph(ValueType(TensorType(.float32, [2])))
    graph.nodes[0].opType = "Unheard"
    #expect(throws: NodeError.self) { _ = try Session(graph, registry: .standard) }
  }
}
