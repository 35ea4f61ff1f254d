import GraphIR
import ObjectDetection
import Tensors

/// A small network that decodes the boxes of anchors, in one of the ways in which exports do.
struct AnchorTail {
  /// How the fields of an anchor are taken apart.
  enum Cutting: String, CaseIterable { case split, slice }

  var cutting = Cutting.split
  /// Whether shapes are computed from the maps' own, as exports for any batch do.
  var computesShapes = false
  /// Whether boxes are Darknet's.
  var isExponential = false
  /// Whether each class has a factor of its own behind its sigmoid.
  var weighsClasses = false
  /// Whether a factor and a term of each channel follow the convolutions.
  var isScaled = false

  static let classes = ["a", "b"]
  static let size = 64
  static let strides = [16, 32]
  static let anchors: [[[Double]]] = [
    [[10, 13], [16, 30], [33, 23]], [[30, 61], [62, 45], [59, 50]],
  ]

  private static let fields = 7

  var configuration: HeadConfiguration {
    HeadConfiguration(family: "yolov5", classes: Self.classes, strides: [])
  }

  var graph: Graph {
    var sketch = Sketch(batch: computesShapes ? .symbolic("batch") : .fixed(1))
    var rows: [String] = []
    for (index, stride) in Self.strides.enumerated() {
      let side = Self.size / stride
      let map = sketch.map("m\(index)", stride: stride, channels: 21, isScaled: isScaled)
      let target =
        computesShapes
        ? sketch.shape(of: map, [nil, 3, Self.fields, side, side])
        : sketch.integers([1, 3, Int64(Self.fields), Int64(side), Int64(side)])
      let fields = sketch.add("Reshape", [map, target])
      let last = sketch.add("Transpose", [fields], ["perm": .ints([0, 1, 3, 4, 2])])
      let (xy, wh, scores) = decoded(&sketch, last, stride, side, Self.anchors[index])
      let joined = sketch.add("Concat", [xy, wh, scores], ["axis": .int(4)])
      let flat =
        computesShapes
        ? sketch.shape(of: map, [nil, -1, Self.fields])
        : sketch.integers([1, -1, Int64(Self.fields)])
      rows.append(sketch.add("Reshape", [joined, flat]))
    }
    let output = sketch.add("Concat", rows, ["axis": .int(1)])
    return sketch.ending(output)
  }

  private func decoded(
    _ sketch: inout Sketch, _ last: String, _ stride: Int, _ side: Int, _ anchors: [[Double]]
  ) -> (String, String, String) {
    let source = isExponential ? last : sketch.add("Sigmoid", [last])
    let parts = sketch.cut(source, at: [0, 2, 4, Self.fields], cutting)
    var (xy, wh, scores) = (parts[0], parts[1], parts[2])
    let shift: Float = isExponential ? 0 : -0.5
    let grid = (0..<side * side).flatMap { [Float($0 % side) + shift, Float($0 / side) + shift] }
    let cells = sketch.floats(grid, [1, 1, side, side, 2])
    if isExponential {
      (xy, scores) = (sketch.add("Sigmoid", [xy]), sketch.add("Sigmoid", [scores]))
      wh = sketch.add("Exp", [wh])
    } else {
      xy = sketch.add("Mul", [xy, sketch.floats([2], [])])
      wh = sketch.add(
        "Pow", [sketch.add("Mul", [wh, sketch.floats([2], [])]), sketch.floats([2], [])])
    }
    if weighsClasses {
      scores = sketch.add("Mul", [scores, sketch.floats([1, 0.5, 0.75], [3])])
    }
    xy = sketch.add("Mul", [sketch.add("Add", [xy, cells]), sketch.floats([Float(stride)], [])])
    let sizes = sketch.floats(anchors.joined().map { Float($0) }, [1, 3, 1, 1, 2])
    return (xy, sketch.add("Mul", [wh, sizes]), scores)
  }

  /// A graph that grows node by node.
  private struct Sketch {
    private var graph: Graph
    private var random = CounterRandom(seed: 3)

    init(batch: Dimension) {
      graph = Graph(
        inputs: [
          ValueInfo(
            name: "images",
            type: .tensor(.float32, shape: [batch, .fixed(3), .fixed(size), .fixed(size)]))
        ], properties: ModelProperties(opsets: ["": 13]))
    }

    mutating func add(
      _ opType: String, _ inputs: [String], _ attributes: Attributes = [:]
    ) -> String {
      let name = "v\(graph.nodes.count)"
      graph.nodes.append(
        Node(opType, name: name, inputs: inputs, outputs: [name], attributes: attributes))
      return name
    }

    mutating func floats(_ values: [Float], _ shape: [Int]) -> String {
      constant(Tensor(values, shape: shape))
    }

    mutating func integers(_ values: [Int64]) -> String { constant(Tensor(values)) }

    private mutating func constant(_ tensor: Tensor) -> String {
      let name = "c\(graph.initializers.count)"
      graph.initializers[name] = Initializer(tensor)
      return name
    }

    /// A convolution from the image to a map of the given stride.
    mutating func map(_ name: String, stride: Int, channels: Int, isScaled: Bool) -> String {
      let count = channels * 3 * stride * stride
      let weight = floats(
        (0..<count).map { _ in 0.05 * .random(in: -1..<1, using: &random) },
        [channels, 3, stride, stride])
      let bias = floats((0..<channels).map { Float($0) / 50 }, [channels])
      let map = add(
        "Conv", ["images", weight, bias],
        ["kernel_shape": .ints([stride, stride]), "strides": .ints([stride, stride])])
      guard isScaled else { return map }
      let factors = floats((0..<channels).map { 1 + Float($0) / 20 }, [1, channels, 1, 1])
      let terms = floats((0..<channels).map { Float($0) / 90 }, [1, channels, 1, 1])
      return add("Add", [add("Mul", [factors, map]), terms])
    }

    /// A shape whose missing extents are taken from a value.
    mutating func shape(of value: String, _ extents: [Int?]) -> String {
      let shape = add("Shape", [value])
      let parts = extents.enumerated().map { axis, extent -> String in
        guard let extent else {
          let index = constant(Tensor(scalar: Int64(axis)))
          return add("Unsqueeze", [add("Gather", [shape, index]), integers([0])])
        }
        return integers([Int64(extent)])
      }
      return add("Concat", parts, ["axis": .int(0)])
    }

    /// The parts of the last axis between places.
    mutating func cut(_ value: String, at places: [Int], _ cutting: Cutting) -> [String] {
      let ranges = zip(places, places.dropFirst())
      guard cutting == .split else {
        return ranges.map { start, end in
          add(
            "Slice",
            [
              value, integers([Int64(start)]),
              integers([end == places.last ? .max : Int64(end)]), integers([4]),
            ])
        }
      }
      let sizes = integers(ranges.map { Int64($1 - $0) })
      let name = "v\(graph.nodes.count)"
      let outputs = ranges.enumerated().map { "\(name).\($0.offset)" }
      graph.nodes.append(
        Node(
          "Split", name: name, inputs: [value, sizes], outputs: outputs,
          attributes: ["axis": .int(4)]))
      return outputs
    }

    func ending(_ value: String) -> Graph {
      var graph = graph
      graph.outputs = [ValueInfo(name: value, type: .undeclared)]
      return graph
    }
  }
}
