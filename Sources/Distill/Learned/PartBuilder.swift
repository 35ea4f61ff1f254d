import Foundation
import GraphIR
import Tensors

/// Builds a ``LearnedPart``'s network from nodes and seeded weights, with fixed shapes.
struct PartBuilder {
  private var graph = Graph(name: "part")
  private(set) var parameters: [String] = []
  /// Inputs whose gradient is wanted.
  private(set) var differentiatedInputs: [String] = []
  private(set) var outputName = ""
  private let seed: UInt64
  private var stream: UInt64 = 0

  init(seed: UInt64) { self.seed = seed }

  /// A value and its number of channels.
  struct Value {
    var name: String
    var channels: Int
  }

  /// An input of a shape `[N, C, …]`.
  mutating func input(_ name: String, _ shape: [Int], isDifferentiated: Bool = true) -> Value {
    graph.inputs.append(ValueInfo(name: name, type: ValueType(TensorType(.float32, shape))))
    if isDifferentiated { differentiatedInputs.append(name) }
    return Value(name: name, channels: shape[1])
  }

  /// Adds a node with one output, named like the node.
  mutating func node(
    _ opType: String, _ inputs: [String], channels: Int, attributes: Attributes = [:]
  ) -> Value {
    let name = "\(opType.lowercased())\(graph.nodes.count)"
    graph.nodes.append(
      Node(opType, name: name, inputs: inputs, outputs: [name], attributes: attributes))
    outputName = name
    return Value(name: name, channels: channels)
  }

  /// A convolution with bias, padded so that a stride of 1 keeps rows and columns.
  ///
  /// - Parameter scale: The factor of the weights' standard deviation by He et al.
  mutating func convolution(
    _ x: Value, to channels: Int, kernel: Int = 1, stride: Int = 1, scale: Float = 1
  ) -> Value {
    let name = "conv\(graph.nodes.count)"
    let fanIn = x.channels * kernel * kernel
    let weight = parameter(
      "\(name).weight", [channels, x.channels, kernel, kernel],
      deviation: scale * (2 / Float(fanIn)).squareRoot())
    let bias = parameter("\(name).bias", [channels], deviation: 0)
    let pad = kernel / 2
    return node(
      "Conv", [x.name, weight, bias], channels: channels,
      attributes: [
        "kernel_shape": .ints([kernel, kernel]), "strides": .ints([stride, stride]),
        "pads": .ints([pad, pad, pad, pad]),
      ])
  }

  /// `max(x, slope·x)`.
  mutating func leaky(_ x: Value, slope: Float) -> Value {
    node("LeakyRelu", [x.name], channels: x.channels, attributes: ["alpha": .float(slope)])
  }

  /// A weight with normal random numbers.
  mutating func parameter(_ name: String, _ shape: [Int], deviation: Float) -> String {
    stream += 1
    var random = CounterRandom(seed: seed, stream: stream)
    let values = (0..<shape.reduce(1, *)).map { _ in
      deviation == 0 ? 0 : deviation * random.nextNormal()
    }
    return parameter(name, Tensor(values, shape: shape))
  }

  /// A weight of the given values.
  mutating func parameter(_ name: String, _ tensor: Tensor) -> String {
    graph.initializers[name] = Initializer(tensor)
    parameters.append(name)
    return name
  }

  /// A constant.
  mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    graph.initializers[name] = Initializer(tensor)
    return name
  }

  /// The network that ends at the last node.
  func finished() -> Graph {
    var graph = graph
    graph.outputs = [ValueInfo(name: outputName, type: .undeclared)]
    return graph
  }
}

extension CounterRandom {
  /// A standard normal number, by the method of Box and Muller.
  mutating func nextNormal() -> Float {
    let radius = (-2 * log(Double.random(in: 1e-12..<1, using: &self))).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &self)))
  }
}
