import Execution
import Foundation
import GraphIR
import Tensors

/// Equalises the ranges of channels between two convolutions with a positively homogeneous function
/// between them.
///
/// With `f(s x) = s f(x)` for `s > 0`, output channel i of the first convolution is divided by
/// `sᵢ`, and input channel i of the second is multiplied by it. That changes nothing but the
/// ranges. The factors are `sᵢ = √(r₁ᵢ / r₂ᵢ)`, with r₁ and r₂ the channels' largest weights, sweep
/// by sweep.
///
/// By activations, r₁ is instead the channel's largest activation, which a scale of the whole
/// tensor must span, in one sweep. A depthwise second convolution with weights by channel takes all
/// of it, `sᵢ ∝ r₁ᵢ`.
///
/// ReLU, LeakyReLU and nothing between qualify. ReLU6, SiLU and other functions are left alone;
/// `Graph.replaceReLU6()` makes ReLU of ReLU6, as the paper does.
///
/// Reference: Nagel et al., ICCV 2019, arXiv:1906.04721, §4.1.
public struct CrossLayerEqualization: Sendable {
  /// Two convolutions and the value between them.
  public struct Pair: Sendable, Equatable {
    /// The index of the node that makes the value.
    public var first: Int
    /// The index of the node that reads it.
    public var second: Int
    /// What the second reads, of as many channels as the first makes.
    public var value: String
    /// Whether the second has one filter a channel.
    public var isDepthwise: Bool
  }

  /// The pairs of a graph, in order.
  public let pairs: [Pair]

  /// Finds the pairs of a prepared network.
  public init(_ graph: Graph, registry: OperatorRegistry) {
    let links = Connectivity(graph)
    var found: [Pair] = []
    for (second, node) in graph.nodes.enumerated() where Self.isConvolution(node, graph) {
      var value = node.inputs[0]
      guard links.soleConsumer(of: value) == second else { continue }
      while let index = links.producer[value],
        Self.isHomogeneous(graph.nodes[index], registry),
        links.soleConsumer(of: graph.nodes[index].inputs[0]) == index
      {
        value = graph.nodes[index].inputs[0]
      }
      guard let first = links.producer[value], Self.isConvolution(graph.nodes[first], graph),
        let weights = graph[constant: node.inputs[1]],
        let before = graph[constant: graph.nodes[first].inputs[1]]
      else { continue }
      let groups = (try? node.attributes.int("group", default: 1)) ?? 1
      let channels = before.shape[0]
      let isDepthwise = groups == channels && weights.shape[0] == channels && groups > 1
      guard isDepthwise || (groups == 1 && weights.shape[1] == channels) else { continue }
      found.append(
        Pair(first: first, second: second, value: node.inputs[0], isDepthwise: isDepthwise))
    }
    pairs = found
  }

  private static func isHomogeneous(_ node: Node, _ registry: OperatorRegistry) -> Bool {
    let type = registry.type(of: node) as? any ElementwiseOperator.Type
    return type?.isPositivelyHomogeneous == true
  }

  /// A convolution whose weights and bias are its own constants.
  private static func isConvolution(_ node: Node, _ graph: Graph) -> Bool {
    guard node.qualifiedType == "Conv", node.inputs.count >= 2,
      graph[constant: node.inputs[1]]?.elementType == .float32
    else { return false }
    let names = node.inputs.dropFirst().filter { !$0.isEmpty }
    return names.allSatisfy { name in
      graph[constant: name] != nil && graph.nodes.count { $0.inputs.contains(name) } == 1
    }
  }

  /// The largest magnitude of each channel of the values between, averaged over images.
  public func magnitudes(
    _ graph: Graph, inputs: some CalibrationSet, engine: Engine
  ) throws -> [String: [Float]] {
    let session = try engine.session(graph, taps: pairs.map(\.value), checksTaps: true)
    var sums: [String: [Float]] = [:]
    for image in 0..<inputs.count {
      try inputs.fill(image, into: session)
      try session.run()
      for pair in pairs {
        guard let view = session.outputView(pair.value), view.shape.count == 4 else { continue }
        let area = view.shape[2] * view.shape[3]
        let elements = view.elements(as: Float.self)
        var own = sums[pair.value] ?? [Float](repeating: 0, count: view.shape[1])
        for channel in own.indices {
          let plane = elements[channel * area..<(channel + 1) * area]
          own[channel] += plane.reduce(0) { max($0, abs($1)) } / Float(inputs.count)
        }
        sums[pair.value] = own
      }
    }
    return sums
  }

  /// Equalises as a plan says.
  ///
  /// - Returns: What each channel of a layer's first output was divided by, by that output.
  @discardableResult
  public func apply(
    to graph: inout Graph, _ plan: QuantizationPlan.Equalization
  ) -> [String: [Float]] {
    switch plan.ranges {
    case .none: [:]
    case .weights: applyByWeights(to: &graph).factors
    case .activations: apply(to: &graph, magnitudes: plan.magnitudes)
    }
  }

  /// Equalises by activations.
  ///
  /// - Returns: What each channel of a layer's first output was divided by, by that output.
  @discardableResult
  public func apply(to graph: inout Graph, magnitudes: [String: [Float]]) -> [String: [Float]] {
    var divisors: [String: [Float]] = [:]
    for pair in pairs {
      guard let ranges = magnitudes[pair.value] else { continue }
      let weights = pair.isDepthwise ? nil : largest(graph, pair.second, axis: 1)
      let factors = ranges.enumerated().map { channel, range -> Float in
        weights.map { Self.ratio(range, $0[channel]) } ?? (range > 0 ? range : 1)
      }
      scale(&graph, pair, Self.centred(factors), &divisors)
    }
    return divisors
  }

  /// Equalises by weights, until the factors hardly change.
  ///
  /// - Returns: The sweeps taken, and what each channel of a layer's first output was divided by,
  ///   by that output.
  @discardableResult
  public func applyByWeights(to graph: inout Graph) -> (sweeps: Int, factors: [String: [Float]]) {
    var divisors: [String: [Float]] = [:]
    for sweep in 1...Self.sweeps {
      var change: Float = 0
      for pair in pairs {
        let first = largest(graph, pair.first, axis: 0)
        let second = largest(graph, pair.second, axis: pair.isDepthwise ? 0 : 1)
        let factors = zip(first, second).map { Self.ratio($0, $1) }
        change = factors.reduce(change) { max($0, abs($1 - 1)) }
        scale(&graph, pair, factors, &divisors)
      }
      if change < Self.tolerance { return (sweep, divisors) }
    }
    return (Self.sweeps, divisors)
  }

  private static let sweeps = 40
  private static let tolerance: Float = 1e-3
  /// Factors stay within this of their mean, lest a nearly dead channel be blown up.
  private static let spread: Float = 100

  private static func ratio(_ first: Float, _ second: Float) -> Float {
    guard first > 0, second > 0 else { return 1 }
    return max(1 / spread, min(spread, (first / second).squareRoot()))
  }

  /// Factors divided by their geometric mean and kept within bounds.
  private static func centred(_ factors: [Float]) -> [Float] {
    let mean = exp(factors.reduce(0) { $0 + log($1) } / Float(max(factors.count, 1)))
    return factors.map { max(1 / spread, min(spread, $0 / mean)) }
  }

  /// The largest magnitude of the weights of each channel along an axis.
  private func largest(_ graph: Graph, _ node: Int, axis: Int) -> [Float] {
    guard let weights = graph[constant: graph.nodes[node].inputs[1]] else { return [] }
    let inner = weights.shape[(axis + 1)...].reduce(1, *)
    var result = [Float](repeating: 0, count: weights.shape[axis])
    for (index, value) in weights.floats.enumerated() {
      let channel = index / inner % result.count
      result[channel] = max(result[channel], abs(value))
    }
    return result
  }

  /// Divides what the first makes and multiplies what the second reads, channel by channel.
  private func scale(
    _ graph: inout Graph, _ pair: Pair, _ factors: [Float], _ divisors: inout [String: [Float]]
  ) {
    let output = graph.nodes[pair.first].outputs[0]
    divisors[output] = divisors[output].map { zip($0, factors).map { $0 * $1 } } ?? factors
    multiply(&graph, graph.nodes[pair.first].inputs[1], axis: 0, factors.map { 1 / $0 })
    if graph.nodes[pair.first].inputs.count > 2, !graph.nodes[pair.first].inputs[2].isEmpty {
      multiply(&graph, graph.nodes[pair.first].inputs[2], axis: 0, factors.map { 1 / $0 })
    }
    multiply(
      &graph, graph.nodes[pair.second].inputs[1], axis: pair.isDepthwise ? 0 : 1, factors)
  }

  private func multiply(_ graph: inout Graph, _ name: String, axis: Int, _ factors: [Float]) {
    guard var tensor = graph[constant: name] else { return }
    let inner = tensor.shape[(axis + 1)...].reduce(1, *)
    tensor.withUnsafeMutableElements(as: Float.self) { values in
      for index in values.indices { values[index] *= factors[index / inner % factors.count] }
    }
    graph[constant: name] = tensor
  }
}
