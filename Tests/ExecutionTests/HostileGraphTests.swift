import Execution
import Formats
import GraphIR
import Operators
import Tensors
import Testing

/// Graphs of a few bytes that ask for gigabytes: errors that say so, before anything is allocated.
@Suite struct HostileGraphTests {
  struct Case: Sendable, CustomStringConvertible {
    var description: String
    var nodes: [Node]
    /// The extents of the input x.
    var input = [1]
    var constants: [String: Tensor] = [:]
    var opset = 18

    var graph: Graph {
      var graph = Graph(
        inputs: [ValueInfo(name: "x", type: .tensor(.float32, shape: input.map { .fixed($0) }))])
      graph.properties.opsets = ["": opset]
      graph.nodes = nodes
      for (name, tensor) in constants { graph.initializers[name] = Initializer(tensor) }
      graph.outputs = [ValueInfo(name: "y", type: .undeclared)]
      return graph
    }
  }

  private static func node(
    _ opType: String, _ inputs: [String], _ attributes: Attributes = [:]
  ) -> [Node] { [Node(opType, inputs: inputs, outputs: ["y"], attributes: attributes)] }

  private static let large = Tensor([30_000, 30_000] as [Int64])

  private static let sparse = SparseTensor(
    shape: [1 << 30], values: Tensor([Float(1)]), indices: Tensor([Int64(5)]))

  /// Each asks for more than a gigabyte.
  static let cases: [Case] = [
    Case(description: "an input", nodes: node("Relu", ["x"]), input: [1 << 30]),
    Case(
      description: "a constant of a shape", nodes: node("ConstantOfShape", ["s"]),
      constants: ["s": large]),
    Case(
      description: "an expansion", nodes: node("Expand", ["c", "s"]),
      constants: ["c": Tensor([Float(1)]), "s": large]),
    Case(
      description: "an expansion of the input", nodes: node("Expand", ["x", "s"]),
      constants: ["s": large]),
    Case(
      description: "a range", nodes: node("Range", ["a", "b", "d"]),
      constants: [
        "a": Tensor(scalar: Int64(0)), "b": Tensor(scalar: Int64(1 << 28)),
        "d": Tensor(scalar: Int64(1)),
      ]),
    Case(
      description: "tiles", nodes: node("Tile", ["x", "s"]), input: [1, 1],
      constants: ["s": large]),
    Case(
      description: "a pad", nodes: node("Pad", ["x", "s"]), input: [1, 1],
      constants: ["s": Tensor([30_000, 30_000, 0, 0] as [Int64])]),
    Case(
      description: "a diagonal", nodes: node("EyeLike", ["x"]), input: [30_000, 30_000]),
    Case(
      description: "a batch of products", nodes: node("MatMul", ["x", "x"]), input: [1 << 28, 1, 1]),
    Case(
      description: "classes", nodes: node("OneHot", ["i", "d", "v"]),
      constants: [
        "i": Tensor([Int64](repeating: 0, count: 1000)), "d": Tensor(scalar: Int64(1 << 20)),
        "v": Tensor([Float(0), 1]),
      ]),
    Case(
      description: "a sparse constant",
      nodes: [
        Node(
          "Constant", inputs: [], outputs: ["c"],
          attributes: ["sparse_value": .sparseTensor(sparse)]),
        Node("Add", inputs: ["c", "x"], outputs: ["y"]),
      ]),
    Case(
      description: "doublings",
      nodes: (0..<26).map { index in
        let last = index == 0 ? "c" : "d\(index)"
        return Node(
          "Concat", inputs: [last, last], outputs: [index == 25 ? "y" : "d\(index + 1)"],
          attributes: ["axis": .int(0)])
      }, constants: ["c": Tensor([Float](repeating: 1, count: 64))]),
    Case(
      description: "places that only the run finds",
      nodes: [
        Node("NonZero", inputs: ["x"], outputs: ["n"]),
        Node("Shape", inputs: ["n"], outputs: ["t"]),
        Node("Mul", inputs: ["t", "k"], outputs: ["u"]),
        Node("ConstantOfShape", inputs: ["u"], outputs: ["y"]),
      ], input: [1000], constants: ["k": Tensor([30_000, 30] as [Int64])]),
  ]

  @Test(arguments: cases) func aSmallFileIsNotGrantedGigabytes(sample: Case) throws {
    let cost = try ModelCost(sample.graph, registry: .standard)
    #expect(cost.macs >= 0)
    do {
      let session = try Session(
        sample.graph, registry: .standard,
        options: SessionOptions(passes: StandardRewrites.inference))
      session.fillInputs()
      try session.run()
      Issue.record("\(sample): ran")
    } catch let error as NodeError {
      #expect(error.underlying is ExecutionError, "\(error)")
    } catch {
      #expect(error is ExecutionError, "\(error)")
    }
  }

  @Test func extentsWhoseProductOverflowsNameTheInput() throws {
    for shape in [[1, 3, .max, 128], [1 << 40], [1 << 40, 1 << 40, 1 << 40], [3, .max]] {
      let sample = Case(description: "", nodes: Self.node("Relu", ["x"]), input: shape)
      for body in [
        { _ = try ModelCost(sample.graph, registry: .standard) },
        { _ = try Session(sample.graph, registry: .standard) },
      ] {
        let error = try #require(throws: ExecutionError.self) { try body() }
        #expect("\(error)".hasPrefix("input 'x': "), "\(error)")
      }
    }
  }

  @Test func theCallersOwnShapesAreBoundByTheMachineAlone() throws {
    let sample = Case(description: "", nodes: Self.node("Relu", ["x"]), input: [40 << 20])
    #expect(throws: ExecutionError.self) { try Session(sample.graph, registry: .standard) }
    let options = SessionOptions(inputShapes: ["x": [40 << 20]])
    #expect(try Session(sample.graph, registry: .standard, options: options).arenaBytes > 300 << 20)
  }

  @Test func largeWeightsMayBeFolded() throws {
    // A model of 64 MB whose weights are all turned and scaled before use.
    let weights = Tensor([Float](repeating: 0.5, count: 1 << 24), shape: [1 << 12, 1 << 12])
    let sample = Case(
      description: "",
      nodes: [
        Node("Transpose", inputs: ["w"], outputs: ["t"]),
        Node("Mul", inputs: ["t", "t"], outputs: ["u"]),
        Node("Cast", inputs: ["u"], outputs: ["v"], attributes: ["to": .int(1)]),
        Node("MatMul", inputs: ["x", "v"], outputs: ["y"]),
      ], input: [1, 1 << 12], constants: ["w": weights])
    let session = try Session(sample.graph, registry: .standard)
    #expect(session.graph.nodes.map(\.opType) == ["MatMul"])
  }
}
