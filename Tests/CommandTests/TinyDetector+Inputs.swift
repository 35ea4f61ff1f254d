import GraphIR
import Tensors

/// The tiny detector with inputs of other kinds, each of which sees the same images.
extension Graph {
  /// Takes bytes `[1, 32, 32, 3]`, as conversions of TensorFlow's models do, and scales them
  /// inside.
  mutating func takeBytes() { takeChannelsLast(.uint8) }

  /// Takes float32 `[1, 32, 32, 3]`.
  mutating func takePixels() { takeChannelsLast(.float32) }

  private mutating func takeChannelsLast(_ element: ElementType) {
    inputs[0].type = ValueType(TensorType(element, [1, 32, 32, 3]))
    replaceUses(of: "images", with: "planes")
    var front = [
      Node(
        "Transpose", inputs: ["images"], outputs: ["planes"],
        attributes: ["perm": .ints([0, 3, 1, 2])])
    ]
    if element == .uint8 {
      self[constant: "most"] = Tensor(scalar: Float(255))
      front[0].outputs = ["pixels"]
      front += [
        Node("Cast", inputs: ["pixels"], outputs: ["floats"], attributes: ["to": .int(1)]),
        Node("Div", inputs: ["floats", "most"], outputs: ["planes"]),
      ]
    }
    nodes.insert(contentsOf: front, at: 0)
  }

  /// Holds all numbers as float16, and takes and gives such.
  mutating func halve() {
    for name in initializers.keys {
      guard let tensor = initializers[name]?.tensor, tensor.elementType == .float32 else {
        continue
      }
      initializers[name]?.tensor = tensor.narrowed(to: .float16)
    }
    inputs[0].type = ValueType(TensorType(.float16, [1, 3, 32, 32]))
    outputs[0].type = ValueType(TensorType(.float16, [1, 6, 21]))
  }

  /// Rounds all constants to float16, which stay float32.
  mutating func round() {
    for name in initializers.keys {
      guard let tensor = initializers[name]?.tensor, tensor.elementType == .float32 else {
        continue
      }
      initializers[name]?.tensor = tensor.narrowed(to: .float16).widened
    }
  }

  /// Divides what it gives by the mean of a second input, a float32 or int64 `[N, 2]`, times a
  /// factor.
  mutating func divide(by name: String, _ element: ElementType = .float32, times factor: Float = 1)
  {
    inputs.insert(
      ValueInfo(name: name, type: .tensor(element, shape: [.symbolic("N"), .fixed(2)])), at: 0)
    nodes[nodes.count - 1].outputs = ["whole"]
    self[constant: "factor"] = Tensor(scalar: factor)
    self[constant: "one"] = Tensor([Int64(1), 1, 1])
    nodes += [
      Node("Cast", inputs: [name], outputs: ["real"], attributes: ["to": .int(1)]),
      Node("ReduceMean", inputs: ["real"], outputs: ["mean"], attributes: ["keepdims": .int(1)]),
      Node("Mul", inputs: ["mean", "factor"], outputs: ["scaled"]),
      Node("Reshape", inputs: ["scaled", "one"], outputs: ["divisor"]),
      Node("Div", inputs: ["whole", "divisor"], outputs: ["output"]),
    ]
  }
}
