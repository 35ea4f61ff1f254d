import Execution
import Formats
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Networks of float16 and bfloat16, which are computed in float32.
@Suite struct HalfNetworkTests {
  /// Convolution, normalisation and activation under a head, all constants in 16 bits.
  private func sample(_ type: ElementType) -> Graph {
    var sketch = Sketch()
    var value = sketch.convolution("x")
    value = sketch.normalization(value)
    value = sketch.node("Relu", [value])
    value = sketch.convolution(value, size: 1)
    _ = sketch.node("Sigmoid", [value], outputs: ["y"])
    var graph = sketch.graph
    graph.outputs = [ValueInfo(name: "y", type: ValueType(TensorType(type, [1, 4, 6, 6])))]
    graph.inputs = [ValueInfo(name: "x", type: ValueType(TensorType(type, [1, 4, 6, 6])))]
    graph.initializers = graph.initializers.mapValues {
      Initializer($0.tensor.narrowed(to: type))
    }
    return graph
  }

  /// The same numbers in float32.
  private func twin(_ graph: Graph) -> Graph {
    var graph = graph
    graph.initializers = graph.initializers.mapValues { Initializer($0.tensor.widened) }
    graph.inputs[0].type = ValueType(TensorType(.float32, [1, 4, 6, 6]))
    graph.outputs[0].type = ValueType(TensorType(.float32, [1, 4, 6, 6]))
    return graph
  }

  @Test(arguments: [ElementType.float16, .bfloat16])
  func outputsAreTheRoundedOnesOfTheFloat32Twin(type: ElementType) throws {
    let graph = sample(type)
    let input = Sketch().feed.mapValues { $0.narrowed(to: type) }
    #expect(try SessionCheck(graph: graph, feed: input).problem() == nil)
    let options = SessionOptions(passes: StandardRewrites.inference)
    let found = try Session(graph, registry: .standard, options: options).run(input)["y"]
    let wide = try Session(twin(graph), registry: .standard, options: options)
      .run(input.mapValues(\.widened))["y"]
    #expect(found?.elementType == type)
    #expect(found == wide?.narrowed(to: type))
  }

  @Test func aWidenedNetworkRunsTheSameKernels() throws {
    let graph = sample(.float16)
    let options = SessionOptions(passes: StandardRewrites.inference)
    let own = try Session(graph, registry: .standard, options: options).profile.map(\.algorithm)
    let other = try Session(twin(graph), registry: .standard, options: options).profile
      .map(\.algorithm)
    #expect(own.filter { !$0.isEmpty } == other.filter { !$0.isEmpty })
    #expect(own.count == other.count + 2)
  }

  @Test func aCastRoundsAndIslandsRun() throws {
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [3])))],
      outputs: [ValueInfo(name: "y", type: ValueType(TensorType(.float32, [3])))])
    graph.properties.opsets = ["": 17]
    graph.initializers["k"] = Initializer(Tensor([Float16(2)]))
    graph.nodes = [
      Node("Cast", inputs: ["x"], outputs: ["h"], attributes: ["to": .int(10)]),
      Node("Mul", inputs: ["h", "k"], outputs: ["m"]),
      Node("Cast", inputs: ["m"], outputs: ["y"], attributes: ["to": .int(1)]),
    ]
    let input: [Float] = [0.1, 1 / 3, 70000]
    let found = try Session(graph, registry: .standard).run(["x": Tensor(input)])["y"]
    #expect(found?.floats == input.map { 2 * Float(Float16($0)) })
  }

  @Test func scalesOfSixteenBitsQuantiseAsTheirTwins() throws {
    func graph(_ type: ElementType) -> Graph {
      var graph = Graph(
        inputs: [ValueInfo(name: "x", type: ValueType(TensorType(type, [1, 2, 4, 4])))],
        outputs: [ValueInfo(name: "y", type: ValueType(TensorType(type, [1, 2, 4, 4])))])
      graph.properties.opsets = ["": 19]
      func half(_ value: Float) -> Tensor {
        let tensor = Tensor(scalar: value).narrowed(to: .float16)
        return type == .float16 ? tensor : tensor.widened
      }
      graph.initializers["s"] = Initializer(half(0.03))
      graph.initializers["z"] = Initializer(Tensor(scalar: UInt8(128)))
      graph.initializers["ws"] = Initializer(half(0.01))
      graph.initializers["wz"] = Initializer(Tensor(scalar: Int8(0)))
      graph.initializers["w"] = Initializer(
        Tensor((0..<36).map { Int8($0 * 7 - 120) }, shape: [2, 2, 3, 3]))
      graph.nodes = [
        Node("QuantizeLinear", inputs: ["x", "s", "z"], outputs: ["q"]),
        Node("DequantizeLinear", inputs: ["q", "s", "z"], outputs: ["d"]),
        Node("DequantizeLinear", inputs: ["w", "ws", "wz"], outputs: ["dw"]),
        Node(
          "Conv", inputs: ["d", "dw"], outputs: ["c"], attributes: ["pads": .ints([1, 1, 1, 1])]),
        Node("QuantizeLinear", inputs: ["c", "s", "z"], outputs: ["cq"]),
        Node("DequantizeLinear", inputs: ["cq", "s", "z"], outputs: ["y"]),
      ]
      return graph
    }
    let values = (0..<32).map { Float(Float16(Float($0) / 9 - 1.7)) }
    let input = Tensor(values, shape: [1, 2, 4, 4])
    let options = SessionOptions(passes: StandardRewrites.inference)
    let half = try Session(graph(.float16), registry: .standard, options: options)
    let float = try Session(graph(.float32), registry: .standard, options: options)
    #expect(half.profile.map(\.opType).contains("QLinearConv"))
    let found = try half.run(["x": input.narrowed(to: .float16)])["y"]
    let expected = try float.run(["x": input])["y"]
    #expect(found == expected?.narrowed(to: .float16))
  }
}
