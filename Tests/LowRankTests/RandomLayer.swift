import Execution
import GraphIR
import Compression
import LowRank
import Operators
import Tensors
import TestSupport

/// One layer of random shape with a random window, in a graph of its own, between two that keep it
/// from being an end.
struct RandomLayer: CustomStringConvertible {
  var graph: Graph
  var seed: UInt64
  var description: String { "seed \(seed): \(graph.nodes[0].attributes.elements)" }

  /// The name of its weights.
  static let weight = "layer.weight"

  /// A convolution.
  static func convolution(seed: UInt64, kernel: [Int]? = nil) -> RandomLayer {
    var random = SplitMix64(seed: seed)
    func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    let (outputs, inputs) = (2 * pick(1...5), 2 * pick(1...5))
    let kernel = kernel ?? [pick(1...3), pick(2...5)]
    var attributes: Attributes = [
      "kernel_shape": .ints(kernel), "strides": .ints([pick(1...2), pick(1...3)]),
    ]
    switch pick(0...2) {
    case 0: attributes["auto_pad"] = .string(Array("SAME_UPPER".utf8))
    case 1:
      attributes["dilations"] = .ints([pick(1...2), pick(1...2)])
      attributes["pads"] = .ints([pick(0...2), pick(0...2), pick(0...2), pick(0...2)])
    default: break
    }
    var graph = Graph(
      nodes: [
        Node(
          "Conv", name: "layer", inputs: ["x", weight] + (pick(0...1) == 0 ? ["bias"] : []),
          outputs: ["y"], attributes: attributes)
      ],
      inputs: [
        ValueInfo(
          name: "x",
          type: ValueType(TensorType(.float32, [1, inputs, pick(11...14), pick(11...14)])))
      ], outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph[constant: weight] = noise([outputs, inputs] + kernel, &random)
    if graph.nodes[0].inputs.count > 2 { graph[constant: "bias"] = noise([outputs], &random) }
    return RandomLayer(graph: graph, seed: seed)
  }

  /// A product: `MatMul`, or `Gemm` as it lies or transposed.
  static func product(seed: UInt64, _ kind: Int) -> RandomLayer {
    var random = SplitMix64(seed: seed)
    let (outputs, inputs) = (
      Int.random(in: 2...9, using: &random), Int.random(in: 2...9, using: &random)
    )
    let isTransposed = kind == 2
    var attributes: Attributes = [:]
    if kind > 0 { attributes = ["alpha": .float(1.5), "beta": .float(0.5)] }
    if isTransposed { attributes["transB"] = .int(1) }
    var graph = Graph(
      nodes: [
        Node(
          kind == 0 ? "MatMul" : "Gemm", name: "layer",
          inputs: ["x", weight] + (kind == 0 ? [] : ["bias"]), outputs: ["y"],
          attributes: attributes)
      ],
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [3, inputs])))],
      outputs: [ValueInfo(name: "y", type: .undeclared)])
    graph[constant: weight] = noise(isTransposed ? [outputs, inputs] : [inputs, outputs], &random)
    if kind > 0 { graph[constant: "bias"] = noise([outputs], &random) }
    return RandomLayer(graph: graph, seed: seed)
  }

  static func noise(_ shape: [Int], _ random: inout SplitMix64) -> Tensor {
    Tensor(
      (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &random) }, shape: shape)
  }

  /// The layer as methods see it.
  func layer() throws -> FactorizableLayer? {
    let operands = TypedGraph(
      graph, registry: .standard, inputs: try graph.concreteInputTypes([:])
    ).operands
    return FactorizableLayers(
      graph, registry: .standard, operands: operands, keepsEnds: false
    ).layers.first
  }

  /// What a graph of the same interface computes of random numbers.
  func output(of graph: Graph) throws -> [Float] {
    var random = SplitMix64(seed: seed + 1000)
    let type = try self.graph.concreteInputTypes([:])[0].1
    let session = try Session(graph, registry: .standard)
    return try session.run(["x": Self.noise(type.shape, &random)])["y"]?.floats ?? []
  }
}
