import Foundation
import GraphIR
import Tensors

/// A value of a network under construction: its name and number of channels.
struct Feature {
  var name: String
  var channels: Int
}

/// Nonlinearities between convolutions.
enum Nonlinearity {
  case none
  case relu
  case relu6
  case leakyRelu
  /// x·σ(x), as `Sigmoid` and `Mul`.
  case silu
}

/// Builds a network from nodes and seeded weights.
///
/// Every weight has a random stream of its own, which its name determines. So a change in one place
/// leaves the other weights as they were. Names follow the blocks: `backbone.stage2.0.cv1`.
///
/// What adds nodes is not inlined: a network calls it hundreds of times, and the copies would cost
/// the compiler more than the rest of the module.
struct NetworkBuilder {
  /// The network so far.
  private(set) var graph: Graph
  private let seed: UInt64

  /// An empty network with one input `images` of `[batch, 3, size, size]`.
  init(name: String, imageSize: Int, seed: UInt64) {
    graph = Graph(
      name: name,
      inputs: [
        ValueInfo(
          name: "images",
          type: .tensor(
            .float32,
            shape: [.symbolic("batch"), .fixed(3), .fixed(imageSize), .fixed(imageSize)]))
      ])
    graph.properties.producerName = "compress"
    self.seed = seed
  }

  /// The input.
  var input: Feature { Feature(name: "images", channels: 3) }

  // MARK: Nodes

  /// Adds a node with one output, named like the node.
  @inline(never)
  mutating func node(
    _ opType: String, _ name: String, _ inputs: [String], channels: Int,
    attributes: Attributes = [:]
  ) -> Feature {
    graph.nodes.append(
      Node(opType, name: name, inputs: inputs, outputs: [name], attributes: attributes))
    return Feature(name: name, channels: channels)
  }

  /// Adds a constant.
  @inline(never)
  mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    graph.initializers[name] = Initializer(tensor)
    return name
  }

  /// A convolution without normalisation or activation.
  ///
  /// - Parameters:
  ///   - pad: Zeros on every side; half of the kernel where not given.
  ///   - biases: The bias of each output channel; `nil` for none.
  ///   - scale: The factor of the weights' standard deviation by He et al.
  @inline(never)
  mutating func plainConvolution(
    _ x: Feature, _ name: String, to channels: Int, kernel: Int = 1, stride: Int = 1,
    pad: Int? = nil, groups: Int = 1, biases: [Float]? = nil, scale: Float = 1
  ) -> Feature {
    let fanIn = x.channels / groups * kernel * kernel
    let weight = constant(
      "\(name).weight",
      normal(
        "\(name).weight", [channels, x.channels / groups, kernel, kernel],
        deviation: scale * (2 / Float(fanIn)).squareRoot()))
    var inputs = [x.name, weight]
    if let biases { inputs.append(constant("\(name).bias", Tensor(biases))) }
    let pad = pad ?? kernel / 2
    return node(
      "Conv", name, inputs, channels: channels,
      attributes: [
        "kernel_shape": .ints([kernel, kernel]), "strides": .ints([stride, stride]),
        "pads": .ints([pad, pad, pad, pad]), "group": .int(groups),
      ])
  }

  /// A convolution, a batch normalisation and an activation.
  @inline(never)
  mutating func convolution(
    _ x: Feature, _ name: String, to channels: Int, kernel: Int = 1, stride: Int = 1,
    pad: Int? = nil, groups: Int = 1, _ nonlinearity: Nonlinearity
  ) -> Feature {
    let y = plainConvolution(
      x, "\(name).conv", to: channels, kernel: kernel, stride: stride, pad: pad, groups: groups)
    return activation(normalization(y, "\(name).bn"), "\(name).act", nonlinearity)
  }

  /// A batch normalisation that starts as the identity up to ε.
  @inline(never)
  mutating func normalization(_ x: Feature, _ name: String) -> Feature {
    func vector(_ part: String, _ value: Float) -> String {
      constant("\(name).\(part)", Tensor([Float](repeating: value, count: x.channels)))
    }
    let inputs = [
      x.name, vector("weight", 1), vector("bias", 0), vector("running_mean", 0),
      vector("running_var", 1),
    ]
    return node(
      "BatchNormalization", name, inputs, channels: x.channels,
      attributes: ["epsilon": .float(1e-3)])
  }

  /// An activation; the feature itself for none.
  @inline(never)
  mutating func activation(_ x: Feature, _ name: String, _ kind: Nonlinearity) -> Feature {
    switch kind {
    case .none: return x
    case .relu: return node("Relu", name, [x.name], channels: x.channels)
    case .relu6:
      let low = constant("zero", Tensor(scalar: Float(0)))
      let high = constant("six", Tensor(scalar: Float(6)))
      return node("Clip", name, [x.name, low, high], channels: x.channels)
    case .leakyRelu:
      return node(
        "LeakyRelu", name, [x.name], channels: x.channels, attributes: ["alpha": .float(0.1)])
    case .silu:
      let gate = node("Sigmoid", "\(name).gate", [x.name], channels: x.channels)
      return node("Mul", name, [x.name, gate.name], channels: x.channels)
    }
  }

  /// The sum of two features of one shape.
  mutating func add(_ a: Feature, _ b: Feature, _ name: String) -> Feature {
    node("Add", name, [a.name, b.name], channels: a.channels)
  }

  /// The concatenation of features along the channels.
  mutating func concatenation(_ parts: [Feature], _ name: String) -> Feature {
    node(
      "Concat", name, parts.map(\.name), channels: parts.reduce(0) { $0 + $1.channels },
      attributes: ["axis": .int(1)])
  }

  /// The channels of a feature in two equal halves.
  mutating func halves(_ x: Feature, _ name: String) -> (Feature, Feature) {
    let sizes = constant(
      "\(name).sizes", Tensor([Int64(x.channels / 2), Int64(x.channels / 2)], shape: [2]))
    let outputs = ["\(name).0", "\(name).1"]
    graph.nodes.append(
      Node(
        "Split", name: name, inputs: [x.name, sizes], outputs: outputs,
        attributes: ["axis": .int(1)]))
    return (
      Feature(name: outputs[0], channels: x.channels / 2),
      Feature(name: outputs[1], channels: x.channels / 2)
    )
  }

  /// Twice as many rows and columns, each pixel repeated.
  mutating func upsampled(_ x: Feature, _ name: String) -> Feature {
    let scales = constant("upsample.scales", Tensor([1, 1, 2, 2] as [Float], shape: [4]))
    return node(
      "Resize", name, [x.name, "", scales], channels: x.channels,
      attributes: [
        "mode": .string("nearest"), "nearest_mode": .string("floor"),
        "coordinate_transformation_mode": .string("asymmetric"),
      ])
  }

  /// Max pooling, padded so that the extent is divided by the stride.
  mutating func maxPool(_ x: Feature, _ name: String, kernel: Int, stride: Int = 1) -> Feature {
    let pad = kernel / 2
    return node(
      "MaxPool", name, [x.name], channels: x.channels,
      attributes: [
        "kernel_shape": .ints([kernel, kernel]), "strides": .ints([stride, stride]),
        "pads": .ints([pad, pad, pad, pad]),
      ])
  }

  // MARK: Weights

  /// Normal random numbers, by the method of Box and Muller.
  private func normal(_ name: String, _ shape: [Int], deviation: Float) -> Tensor {
    var random = CounterRandom(seed: seed, stream: Self.hash(name))
    let count = shape.reduce(1, *)
    var values: [Float] = []
    values.reserveCapacity(count + 1)
    while values.count < count {
      let radius = (-2 * log(Double.random(in: 1e-12..<1, using: &random))).squareRoot()
      let angle = 2 * Double.pi * Double.random(in: 0..<1, using: &random)
      values.append(deviation * Float(radius * cos(angle)))
      values.append(deviation * Float(radius * sin(angle)))
    }
    return Tensor(Array(values.prefix(count)), shape: shape)
  }

  /// FNV-1a.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  // MARK: Finishing

  /// The network with the given outputs; shapes are without the batch.
  func finished(_ outputs: [(feature: Feature, shape: [Int])]) -> Graph {
    var graph = graph
    graph.outputs = outputs.map { output in
      ValueInfo(
        name: output.feature.name,
        type: .tensor(.float32, shape: [.symbolic("batch")] + output.shape.map { .fixed($0) }))
    }
    return graph
  }
}
