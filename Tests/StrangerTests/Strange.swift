import CompressKit

/// Networks and images as somebody outside of the package makes them.
enum Strange {
  /// Convolution, ReLU, convolution: `[1, 3, 8, 8]` to `[1, 4, 8, 8]`.
  static func network() -> Graph {
    var graph = Graph()
    graph.inputs = [input]
    graph.outputs = [ValueInfo(name: "y", type: .undeclared)]
    graph.properties.opsets = ["": 13]
    graph.nodes = [
      convolution("x", "first", "hidden"),
      Node("Relu", name: "relu", inputs: ["hidden"], outputs: ["active"]),
      convolution("active", "middle", "wide"),
      Node("Relu", name: "again", inputs: ["wide"], outputs: ["bright"]),
      convolution("bright", "last", "y"),
    ]
    graph.initializers["first.weight"] = Initializer(weights([8, 3, 3, 3], seed: 1))
    graph.initializers["middle.weight"] = Initializer(weights([8, 8, 3, 3], seed: 2))
    graph.initializers["last.weight"] = Initializer(weights([4, 8, 3, 3], seed: 3))
    return graph
  }

  /// The image input of ``network()``.
  static let input = ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 8, 8])))

  /// An image for ``network()``.
  static func image(_ seed: UInt64) -> Tensor { weights([1, 3, 8, 8], seed: seed + 10) }

  /// Numbers from −1 to 1.
  static func weights(_ shape: [Int], seed: UInt64) -> Tensor {
    var random = CounterRandom(seed: seed)
    let count = shape.reduce(1, *)
    return Tensor((0..<count).map { _ in Float.random(in: -1...1, using: &random) }, shape: shape)
  }

  private static func convolution(_ source: String, _ name: String, _ output: String) -> Node {
    Node(
      "Conv", name: name, inputs: [source, "\(name).weight"], outputs: [output],
      attributes: ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])])
  }
}
