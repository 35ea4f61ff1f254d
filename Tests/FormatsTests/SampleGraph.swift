import GraphIR
import Tensors
import TestSupport

/// A graph with each element type, each attribute kind and everything else a file may say.
enum SampleGraph {
  /// Bytes from a seeded generator; for booleans 0 and 1.
  static func tensor(_ type: ElementType, _ shape: [Int], seed: UInt64 = 1) -> Tensor {
    var random = SplitMix64(seed: seed)
    guard type != .string else {
      return Tensor(
        strings: (0..<shape.product).map { Array("text \($0) ü".utf8) + [0, 0xff] }, shape: shape)
    }
    let mask: UInt8 = type == .bool ? 1 : 0xff
    let type = TensorType(type, shape)
    var bytes = (0..<type.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    bytes = bytes.map { $0 & mask }
    return bytes.withUnsafeBytes { Tensor(bytes: $0, type: type) }
  }

  /// One value of each attribute kind.
  static var attributes: Attributes {
    let sparse = SparseTensor(
      shape: [4, 5], values: Tensor([1, -0.0, .nan] as [Float]),
      indices: Tensor([0, 7, 19] as [Int64]))
    let byAxis = SparseTensor(
      shape: [4, 5], values: Tensor([1, 2] as [Int8]),
      indices: Tensor([0, 3, 2, 2] as [Int64], shape: [2, 2]))
    return [
      "int": .int(.min), "float": .float(.nan), "string": .string([0xff, 0, 65]),
      "tensor": .tensor(tensor(.float16, [3, 5])), "sparse": .sparseTensor(sparse),
      "graph": .graph(branch), "type": .type(.tensor(.int8, shape: [.symbolic("N"), .unknown])),
      "ints": .ints([1, -1, .max]), "floats": .floats([-0.0, .infinity, .signalingNaN]),
      "strings": .strings([[], [1, 2], Array("three".utf8)]),
      "tensors": .tensors([tensor(.bool, [9]), tensor(.string, [2])]),
      "sparses": .sparseTensors([sparse, byAxis]), "graphs": .graphs([branch, branch]),
      "types": .types([.tensor(.float32, shape: nil), .tensor(.string, shape: [])]),
      "reference": .reference(name: "alpha", kind: 1), "none": .ints([]),
    ]
  }

  /// A subgraph with an initializer of a name that the graph around it uses too.
  static var branch: Graph {
    Graph(
      name: "branch", nodes: [Node("Add", inputs: ["x", "float32"], outputs: ["sum"])],
      outputs: [ValueInfo(name: "sum", type: .undeclared)],
      initializers: ["float32": Initializer(Tensor([7, 8, 9] as [Float]))])
  }

  /// The graph.
  static var graph: Graph {
    var graph = Graph(
      name: "sample",
      nodes: [
        Node("Relu", name: "known", inputs: ["x", ""], outputs: ["y", ""]),
        Node(
          "Unheard", domain: "org.example", name: "unknown", inputs: ["y", "float32"],
          outputs: ["z"], attributes: attributes, overload: "v2", documentation: "a comment"),
      ],
      inputs: [
        ValueInfo(
          name: "x", type: .tensor(.float32, shape: [.symbolic("batch"), .unknown, .fixed(0)]),
          documentation: "the input"),
        ValueInfo(name: "float64", type: ValueType(TensorType(.float64, [7, 11]))),
      ],
      outputs: [
        ValueInfo(name: "z", type: .undeclared), ValueInfo(name: "y", type: .opaque([34, 0])),
      ],
      valueTypes: ["y": ValueInfo(name: "y", type: .tensor(.float32, shape: nil))],
      documentation: "all there is")
    for (index, type) in ElementType.allCases.enumerated() {
      graph.initializers[type.rawValue] = Initializer(
        tensor(type, [7, 11], seed: UInt64(index)), documentation: index == 0 ? "first" : "")
    }
    graph.initializers["scalar"] = Initializer(Tensor(scalar: Float(3)))
    graph.initializers["empty"] = Initializer(Tensor(zeros: TensorType(.float32, [0, 4])))
    graph.initializers["a/b %.\0c"] = Initializer(Tensor([1] as [Int64]))
    graph.initializers["."] = Initializer(Tensor([2] as [Int64]))
    graph.initializers["manyAxes"] = Initializer(
      tensor(.complex64, Array(repeating: 1, count: 39) + [3]))
    graph.properties = ModelProperties(
      irVersion: 10, opsets: ["": 21, "org.example": 3], producerName: "nobody",
      producerVersion: "0", domain: "org.example", modelVersion: -5, documentation: "model",
      metadata: ["b": "2", "a": ""])
    return graph
  }

  /// Weights of which most are zero, in every type with a sparse form, among them −0 and NaN.
  static var sparse: Graph {
    var graph = Graph(name: "sparse")
    for type in ElementType.allCases where type.bitWidth >= 8 && type != .bool {
      let dense = tensor(type, [20, 7, 3], seed: 9)
      let width = type.bitWidth / 8
      for index in 0..<dense.byteCount where index / width % 5 != 0 { dense.rawBytes[index] = 0 }
      graph.initializers[type.rawValue] = Initializer(dense, encoding: .sparse)
    }
    var special = [Float](repeating: 0, count: 1000)
    special[1] = -0.0
    special[500] = Float(bitPattern: 0x7fc1_2345)
    special[501] = Float(bitPattern: 0xff80_0001)
    special[998] = .leastNonzeroMagnitude
    graph.initializers["special"] = Initializer(Tensor(special), encoding: .sparse)
    graph.initializers["zeros"] = Initializer(
      Tensor(zeros: TensorType(.float32, [40, 40])), encoding: .sparse)
    return graph
  }
}
