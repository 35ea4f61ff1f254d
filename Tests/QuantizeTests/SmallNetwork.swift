import Execution
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// A network with a layer, a concatenation or sum, and a function of every kind that quantisation
/// knows, for images of 3×16×16.
enum SmallNetwork {
  static let images: [[String: Tensor]] = (1...2).map { seed in
    var random = SplitMix64(seed: UInt64(seed))
    return ["x": noise([1, 3, 16, 16], 0...1, &random)]
  }

  static func noise(
    _ shape: [Int], _ range: ClosedRange<Float>, _ random: inout SplitMix64
  ) -> Tensor {
    Tensor((0..<shape.product).map { _ in Float.random(in: range, using: &random) }, shape: shape)
  }

  /// Convolutions with a PRelu of a slope a channel, a sum with a constant, a pool with used
  /// indices, a product.
  static func graph(
    bias: [Int]? = [5], alpha: Float = 1, beta: Float = 1, transposes: Bool = true
  ) -> Graph {
    var random = SplitMix64(seed: 3)
    var graph = Graph(
      inputs: [ValueInfo(name: "x", type: ValueType(TensorType(.float32, [1, 3, 16, 16])))],
      outputs: ["y", "places", "z"].map { ValueInfo(name: $0, type: .undeclared) })
    graph.properties.opsets[""] = 13
    for (name, shape) in [
      ("a.w", [4, 3, 3, 3]), ("a.b", [4]), ("b.w", [4, 4, 3, 3]), ("b.b", [4]),
      ("c.w", transposes ? [5, 4] : [4, 5]), ("d.w", [5, 6]), ("d.b", [6]), ("slope", [4, 1, 1]),
      ("shift", [1, 4, 1, 1]),
    ] {
      graph[constant: name] = noise(shape, -1...1, &random)
    }
    if let bias { graph[constant: "c.b"] = noise(bias, -2...2, &random) }
    var product: Attributes = ["alpha": .float(alpha), "beta": .float(beta)]
    if transposes { product["transB"] = .int(1) }
    graph.nodes = [
      Node("Conv", name: "a", inputs: ["x", "a.w", "a.b"], outputs: ["feat"]),
      Node("PRelu", name: "prelu", inputs: ["feat", "slope"], outputs: ["act"]),
      Node("Conv", name: "b", inputs: ["act", "b.w", "b.b"], outputs: ["deep"]),
      Node("Relu", name: "relu", inputs: ["deep"], outputs: ["clamped"]),
      Node("Add", name: "sum", inputs: ["clamped", "shift"], outputs: ["moved"]),
      Node(
        "MaxPool", name: "pool", inputs: ["moved"], outputs: ["pooled", "indices"],
        attributes: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])]),
      Node(
        "Cast", name: "cast", inputs: ["indices"], outputs: ["places"], attributes: ["to": .int(1)]),
      Node("GlobalAveragePool", name: "gap", inputs: ["pooled"], outputs: ["mean"]),
      Node("Flatten", name: "flat", inputs: ["mean"], outputs: ["row"]),
      Node(
        "Gemm", name: "c", inputs: ["row", "c.w"] + (bias == nil ? [] : ["c.b"]),
        outputs: ["hidden"], attributes: product),
      Node("MatMul", name: "d", inputs: ["hidden", "d.w"], outputs: ["product"]),
      Node("Add", name: "d.sum", inputs: ["product", "d.b"], outputs: ["z"]),
      Node("Sigmoid", name: "sigmoid", inputs: ["pooled"], outputs: ["y"]),
    ]
    return graph
  }

  /// A plan by the extremes of the images; what `include` names is quantised behind the last layers
  /// too.
  static func plan(
    _ graph: Graph, _ scheme: QuantizationScheme = .init(), include: Set<String> = []
  ) throws -> (plan: QuantizationPlan, sites: QuantizationSites) {
    let sites = QuantizationSites(graph, registry: .standard, included: include)
    let statistics = try Calibration(
      graph, values: sites.observed, countsNumbers: false, inputs: TensorSet(images),
      engine: inference()
    ).statistics
    let observer = try #require(Observer.named("minmax"))
    let activations = try sites.observed.map {
      QuantizationPlan.Activation(
        name: $0, range: try observer.range(of: try #require(statistics[$0]), scheme: scheme))
    }
    return (
      QuantizationPlan(
        scheme: scheme, observer: "minmax",
        nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: activations,
        kept: sites.kept), sites
    )
  }

  /// The outputs in integer arithmetic, in the order of the graph.
  static func run(_ graph: Graph, _ image: Int = 0) throws -> [Tensor] {
    let session = try Session(
      graph, registry: .standard, options: SessionOptions(passes: StandardRewrites.inference))
    let outputs = try session.run(images[image])
    return session.outputNames.compactMap { outputs[$0] }
  }
}

/// An engine as networks are quantised by.
func inference(threads: Int = 1) -> Engine {
  Engine(registry: .standard, threads: threads, rewrites: StandardRewrites.inference)
}
