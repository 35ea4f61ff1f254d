import Execution
import GraphIR
import Operators
import Tensors
import TestSupport

/// A small graph written down node by node; its input `x` is float32 `[1, 4, 6, 6]`.
struct Sketch {
  static let inputType = TensorType(.float32, [1, 4, 6, 6])

  private(set) var graph: Graph
  private var random = SplitMix64(seed: 11)
  private var count = 0

  init() {
    graph = Graph(inputs: [ValueInfo(name: "x", type: ValueType(Self.inputType))])
    graph.properties.opsets = ["": 17]
  }

  /// What to feed.
  var feed: [String: Tensor] {
    var random = SplitMix64(seed: 12)
    let values = (0..<Self.inputType.count).map { _ in Float.random(in: -1...1, using: &random) }
    return ["x": Tensor(values, shape: Self.inputType.shape)]
  }

  /// Adds a node and returns its first output.
  mutating func node(
    _ opType: String, _ inputs: [String], _ attributes: Attributes = [:], outputs: [String]? = nil
  ) -> String {
    count += 1
    let outputs = outputs ?? ["v\(count)"]
    graph.nodes.append(Node(opType, inputs: inputs, outputs: outputs, attributes: attributes))
    return outputs[0]
  }

  /// Adds a constant.
  mutating func constant(_ tensor: Tensor) -> String {
    count += 1
    graph.initializers["c\(count)"] = Initializer(tensor)
    return "c\(count)"
  }

  /// Adds a constant of random numbers.
  mutating func weights(_ shape: [Int], _ range: ClosedRange<Float> = -1...1) -> String {
    let values = (0..<shape.product).map { _ in Float.random(in: range, using: &random) }
    return constant(Tensor(values, shape: shape))
  }

  /// Adds a convolution from four channels to four that keeps the image's size.
  mutating func convolution(_ x: String, size: Int = 3, hasBias: Bool = true) -> String {
    let parameters = [weights([4, 4, size, size])] + (hasBias ? [weights([4])] : [])
    return node(
      "Conv", [x] + parameters, ["pads": .ints(Array(repeating: size / 2, count: 4))])
  }

  /// Adds a batch normalisation of four channels.
  mutating func normalization(_ x: String) -> String {
    let parameters = [weights([4]), weights([4]), weights([4]), weights([4], 0.5...2)]
    return node("BatchNormalization", [x] + parameters)
  }

  /// Makes values graph outputs.
  mutating func output(_ names: String...) {
    graph.outputs += names.map { ValueInfo(name: $0, type: .undeclared) }
  }

  /// The graph with the type of every value declared, as sessions hand it to rewrites.
  func typed() throws -> Graph {
    var graph = graph
    let names = graph.nodes.flatMap(\.outputs).filter { !$0.isEmpty }
    let values = try ReferenceInterpreter(graph, registry: .standard).run(feed, taps: names)
    for name in names {
      if let type = values[name]?.type {
        graph.valueTypes[name] = ValueInfo(name: name, type: ValueType(type))
      }
    }
    graph.valueTypes["x"] = graph.inputs[0]
    return graph
  }
}

extension Sketch {
  /// A sketch by its lines.
  static func of(_ lines: (inout Sketch) -> Void) -> Sketch {
    var sketch = Sketch()
    lines(&sketch)
    return sketch
  }
}
