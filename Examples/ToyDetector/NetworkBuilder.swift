import Execution
import GraphIR
import ObjectDetection
import Operators
import Tensors

/// Weights of one convolution with equal strides.
struct Filters {
  /// `[outputs, inputs, side, side]`.
  var weights: [Float]
  /// `[outputs]`.
  var biases: [Float]
  let inputs: Int
  let side: Int
  var stride = 1
  /// Rows and columns of zeros before and after the map.
  var padding = (before: 0, after: 0)

  var outputs: Int { biases.count }

  /// A convolution of single cells that computes a fitted map, `gain · (W x + b − threshold)`.
  init(_ fit: RidgeRegression, gain: Float = 1, threshold: Float = 0) {
    weights = fit.weights.map { $0 * gain }
    biases = fit.intercepts.map { ($0 - threshold) * gain }
    inputs = weights.count / max(biases.count, 1)
    side = 1
  }

  /// Filters without biases.
  init(
    _ weights: [Float], inputs: Int, side: Int, stride: Int, padding: (before: Int, after: Int)
  ) {
    self.weights = weights
    self.inputs = inputs
    self.side = side
    self.stride = stride
    self.padding = padding
    biases = Array(repeating: 0, count: weights.count / (inputs * side * side))
  }
}

/// A network that grows layer by layer and can be run as far as it goes.
package struct NetworkBuilder {
  /// The preprocessing that `compress` assumes of the YOLOX family.
  package static let preprocessing = Preprocessing(
    fit: .letterboxTopLeft, order: .bgr, mean: [0], std: [1])
  private(set) var graph: Graph
  /// The value that the next layer reads.
  private(set) var last = "image"

  init() {
    graph = Graph(
      name: "toy-detector",
      inputs: [
        ValueInfo(
          name: "image", type: ValueType(TensorType(.float32, [1, 3, Scene.side, Scene.side])))
      ])
  }

  /// Appends a node that reads one value, the last by default.
  @discardableResult
  mutating func append(
    _ opType: String, _ name: String, from inputs: [String]? = nil, _ attributes: Attributes = [:]
  ) -> String {
    graph.nodes.append(
      Node(
        opType, name: name, inputs: inputs ?? [last], outputs: [name], attributes: attributes))
    last = name
    return name
  }

  /// Appends a constant.
  mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    graph[constant: name] = tensor
    return name
  }

  /// Appends a convolution, and an activation when one is named.
  @discardableResult
  mutating func convolve(
    _ filters: Filters, _ name: String, from input: String? = nil, activation: String? = nil
  ) -> String {
    let weights = constant(
      "\(name).weight",
      Tensor(
        filters.weights, shape: [filters.outputs, filters.inputs, filters.side, filters.side]))
    let biases = constant("\(name).bias", Tensor(filters.biases))
    let (before, after) = filters.padding
    append(
      "Conv", name, from: [input ?? last, weights, biases],
      [
        "kernel_shape": .ints([filters.side, filters.side]),
        "strides": .ints([filters.stride, filters.stride]),
        "pads": .ints([before, before, after, after]),
      ])
    if let activation { append(activation, "\(name).\(activation.lowercased())") }
    return last
  }

  /// The last value for every scene, one row of channels a cell.
  ///
  /// - Throws: what ``Session`` throws.
  func features(_ scenes: [Scene], threads: Int) throws -> Matrix {
    var graph = graph
    graph.outputs = [ValueInfo(name: last, type: .undeclared)]
    let session = try Session(
      graph, registry: .standard,
      options: SessionOptions(threads: threads, passes: StandardRewrites.inference))
    var result: Matrix?
    for scene in scenes {
      guard let input = session.input("image") else { break }
      _ = Self.preprocessing.apply(
        scene.image, width: Scene.side, height: Scene.side,
        to: input.base.assumingMemoryBound(to: Float.self))
      try session.run()
      guard let map = session.output(last) else { break }
      let (channels, cells) = (map.shape[1], map.shape[2] * map.shape[3])
      var rows = result ?? Matrix(columns: channels)
      result = nil
      map.withUnsafeElements(as: Float.self) { values in
        for cell in 0..<cells {
          for channel in 0..<channels { rows.values.append(values[channel * cells + cell]) }
        }
      }
      result = rows
    }
    return result ?? Matrix(columns: 1)
  }

  /// The finished graph, with its output and class names declared.
  func finished(shape: [Int]) -> Graph {
    var graph = graph
    graph.outputs = [ValueInfo(name: last, type: ValueType(TensorType(.float32, shape)))]
    graph.properties.producerName = "toy-detector"
    let names = Scene.Shape.allCases.map { "\($0.rawValue): '\($0.name)'" }
    graph.properties.metadata["names"] = "{\(names.joined(separator: ", "))}"
    return graph
  }
}
