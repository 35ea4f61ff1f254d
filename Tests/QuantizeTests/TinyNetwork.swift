import Architectures
import Execution
import GraphIR
import Operators
import Quantize
import Tensors
import TestSupport
import Testing

/// Small built-in networks, quantised by minmax over two images of noise.
struct TinyNetwork {
  static let size = 64
  let graph: Graph
  let images: [[String: Tensor]]

  init(_ name: String, classes: Int = 2) throws {
    let architecture = try #require(Architecture.named(name))
    let made = try architecture.build(
      ArchitectureOptions(
        classes: (0..<classes).map { "c\($0)" }, width: 0.25, depth: 0.34, imageSize: Self.size,
        seed: 3))
    self.init(try made.preparedForQuantization(registry: .standard))
  }

  init(_ graph: Graph) {
    self.graph = graph
    let input = graph.requiredInputs[0]
    let shape = [1, 3, Self.size, Self.size]
    images = (1...2).map { seed in
      var random = SplitMix64(seed: UInt64(seed))
      let values = (0..<shape.product).map { _ in Float.random(in: 0...1, using: &random) }
      return [input.name: Tensor(values, shape: shape)]
    }
  }

  var sites: QuantizationSites { QuantizationSites(graph, registry: .standard) }

  var inputs: TensorSet { TensorSet(images) }

  func statistics(threads: Int = 1) throws -> [String: ValueStatistics] {
    try Calibration(
      graph, values: sites.observed, countsNumbers: true, inputs: inputs,
      engine: inference(threads: threads)
    ).statistics
  }

  func plan(_ scheme: QuantizationScheme = .init()) throws -> QuantizationPlan {
    let observer = try #require(Observer.named("minmax"))
    let statistics = try statistics()
    let activations = try sites.observed.map { name in
      QuantizationPlan.Activation(
        name: name,
        range: try observer.range(of: try #require(statistics[name]), scheme: scheme))
    }
    return QuantizationPlan(
      scheme: scheme, observer: "minmax",
      nodes: sites.nodes.compactMap { graph.nodes[$0].outputs.first }, activations: activations,
      kept: sites.kept)
  }

  func quantized(_ plan: QuantizationPlan) throws -> Graph {
    try QuantizedNetwork(graph, plan: plan, sites: sites).graph
  }

  func run(_ graph: Graph, _ image: Int = 0) throws -> [String: Tensor] {
    try Session(
      graph, registry: .standard, options: SessionOptions(passes: StandardRewrites.inference)
    ).run(images[image])
  }

  /// The largest mean distance of outputs, as a part of their largest number.
  static func distance(_ a: [String: Tensor], _ b: [String: Tensor]) -> Double {
    a.reduce(0) { worst, output in
      let (x, y) = (output.value.doubles, b[output.key]?.doubles ?? [])
      guard x.count == y.count else { return .infinity }
      let scale = x.reduce(0) { max($0, abs($1)) }
      let error = zip(x, y).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(max(x.count, 1))
      return max(worst, error / max(scale, 1e-9))
    }
  }
}
