import Compression
import Foundation
import GraphIR
import Tensors

/// What normalisations say of the channels of a network's values, without a single image.
///
/// After a batch normalisation a channel has mean β and deviation |γ|, and is taken to be normal.
/// From there the distributions go on:
///
/// - through elementwise functions exactly, number by number on a grid of ±6 deviations,
/// - through sums of branches as sums of independent normals,
/// - through concatenations and layout operators as they are.
///
/// Nothing is said behind a layer without normalisation, a product of two branches, or something
/// unknown.
///
/// Reference: Nagel et al., *Data-Free Quantization Through Weight Equalization and Bias
/// Correction*, ICCV 2019, arXiv:1906.04721, §4.2 and §5: ranges β ± 6γ and expectations of ReLU.
/// Deviations: expectations of any function by sums over a grid; branches; maxima of pooling keep
/// their input's distribution.
public struct ChannelMoments: Sendable {
  /// One value, channel by channel.
  public struct Value: Sendable, Equatable {
    /// The mean of each channel.
    public var means: [Float]
    /// Where the numbers lie.
    public var range: ClosedRange<Float>
    /// Mean and deviation before any function, for values that a normalisation made.
    public var normal: [Normal]?
  }

  /// A normal distribution.
  public struct Normal: Sendable, Equatable {
    /// Its mean.
    public var mean: Float
    /// Its standard deviation.
    public var deviation: Float

    /// A distribution.
    public init(mean: Float, deviation: Float) { (self.mean, self.deviation) = (mean, deviation) }
  }

  /// What is known, by value.
  public private(set) var values: [String: Value] = [:]
  private var curves: [String: Curves] = [:]
  private let graph: Graph
  private let registry: OperatorRegistry

  /// A value as a function of one normal distribution a channel, on the grid.
  private struct Curves {
    /// What the distributions belong to; functions of one root can be combined.
    var root: String
    /// `[channels, grid]`.
    var numbers: [Float]
    var channels: Int { numbers.count / ChannelMoments.grid.count }
  }

  /// Deviations from −6 to 6.
  static let grid: [Float] = (0...192).map { Float($0) / 16 - 6 }
  private static let weights: [Double] = {
    let density = grid.map { exp(-Double($0) * Double($0) / 2) }
    let total = density.reduce(0, +)
    return density.map { $0 / total }
  }()

  /// What the normalisations of a network say.
  ///
  /// - Parameters:
  ///   - prepared: The network with normalisations folded, whose values are asked for.
  ///   - normals: The distributions of the values that normalisations made; see
  ///     `Graph.normalizedValues`.
  public init(_ prepared: Graph, normals: [String: [Normal]], registry: OperatorRegistry) {
    (graph, self.registry) = (prepared, registry)
    for (index, node) in prepared.nodes.enumerated() {
      for output in node.outputs {
        if let known = normals[output] {
          note(output, Self.curves(known, root: output), normal: known)
        }
      }
      guard node.outputs.allSatisfy({ curves[$0] == nil }) else { continue }
      follow(node, index)
    }
  }

  private static func curves(_ normals: [Normal], root: String) -> Curves {
    Curves(
      root: root,
      numbers: normals.flatMap { normal in grid.map { normal.mean + normal.deviation * $0 } })
  }

  private mutating func note(_ name: String, _ curves: Curves, normal: [Normal]? = nil) {
    guard let least = curves.numbers.min(), let most = curves.numbers.max(),
      curves.numbers.allSatisfy(\.isFinite)
    else { return }
    self.curves[name] = curves
    values[name] = Value(
      means: Self.means(curves).map { Float($0) }, range: least...most, normal: normal)
  }

  private static func means(_ curves: Curves) -> [Double] {
    (0..<curves.channels).map { channel in
      weights.indices.reduce(0.0) {
        $0 + weights[$1] * Double(curves.numbers[channel * weights.count + $1])
      }
    }
  }

  private static func normals(_ curves: Curves) -> [Normal] {
    means(curves).enumerated().map { channel, mean in
      let variance = weights.indices.reduce(0.0) {
        let distance = Double(curves.numbers[channel * weights.count + $1]) - mean
        return $0 + weights[$1] * distance * distance
      }
      return Normal(mean: Float(mean), deviation: Float(variance.squareRoot()))
    }
  }

  // MARK: Rules

  private mutating func follow(_ node: Node, _ index: Int) {
    guard node.domain.isEmpty || registry.quantizationRole(of: node) != nil,
      let output = node.outputs.first, let first = node.inputs.first
    else {
      return
    }
    let known = node.inputs.compactMap { curves[$0] }
    guard !known.isEmpty,
      let rules = try? registry.makeOperator(for: node, in: graph)
    else { return }
    let flow = (rules as? any DistributionOperator)?.distributionFlow(
      node.inputs.map { graph[constant: $0] })
    switch flow {
    case .kept:
      if let value = curves[first] { note(output, value) }
    case .concatenated:
      guard known.count == node.inputs.count else { return }
      note(output, Curves(root: output, numbers: known.flatMap(\.numbers)))
    case .parted(let extents): split(node, extents)
    case .summed where known.count == 2 && known[0].root != known[1].root:
      guard known[0].channels == known[1].channels else { return }
      let sums = zip(Self.normals(known[0]), Self.normals(known[1])).map {
        Normal(
          mean: $0.mean + $1.mean,
          deviation: ($0.deviation * $0.deviation + $1.deviation * $1.deviation).squareRoot())
      }
      note(output, bounded(Self.curves(sums, root: output), known))
    case .summed, nil:
      if let rules = rules as? any ElementwiseOperator { apply(node, rules, known) }
    }
  }

  /// Sums never leave the sums of what their terms can be.
  private func bounded(_ curves: Curves, _ terms: [Curves]) -> Curves {
    var curves = curves
    let size = Self.grid.count
    for channel in 0..<curves.channels {
      let ends = terms.map { term in
        let own = term.numbers[channel * size..<(channel + 1) * size]
        return (own.min() ?? 0, own.max() ?? 0)
      }
      let (low, high) = ends.reduce((Float(0), Float(0))) { ($0.0 + $1.0, $0.1 + $1.1) }
      for place in channel * size..<(channel + 1) * size {
        curves.numbers[place] = min(max(curves.numbers[place], low), high)
      }
    }
    return curves
  }

  private mutating func split(_ node: Node, _ extents: [Int]?) {
    guard let value = curves[node.inputs[0]] else { return }
    let equal = value.channels / max(node.outputs.count, 1)
    var start = 0
    for (place, output) in node.outputs.enumerated() {
      let extent = extents.flatMap { $0.indices.contains(place) ? $0[place] : nil } ?? equal
      guard start + extent <= value.channels else { return }
      let size = Self.grid.count
      note(
        output,
        Curves(
          root: output,
          numbers: Array(value.numbers[start * size..<(start + extent) * size])))
      start += extent
    }
  }

  /// Elementwise functions of one root, with constants of one number or one a channel.
  private mutating func apply(
    _ node: Node, _ rules: any ElementwiseOperator, _ known: [Curves]
  ) {
    guard let first = known.first, Set(known.map(\.root)).count == 1, node.outputs.count == 1
    else { return }
    let shape = [1, first.channels, 1, Self.grid.count]
    var operands: [Tensor?] = []
    for name in node.inputs {
      if let curves = curves[name] {
        operands.append(Tensor(curves.numbers, shape: shape))
      } else if name.isEmpty {
        operands.append(nil)
      } else if let constant = graph[constant: name], constant.count == 1 {
        operands.append(constant)
      } else if let numbers = graph[constant: name]?.numbers(along: 3, count: first.channels) {
        operands.append(Tensor(numbers, shape: [first.channels, 1, 1]))
      } else {
        return
      }
    }
    guard let result = try? rules.evaluate(operands, pool: ThreadPool(threads: 1)).first,
      result.shape == shape, result.elementType == .float32
    else { return }
    note(node.outputs[0], Curves(root: first.root, numbers: result.floats))
  }
}

extension Graph {
  /// The distributions that batch normalisations give to their outputs, by value: mean β and
  /// deviation |γ| by channel.
  public func normalizedValues() -> [String: [ChannelMoments.Normal]] {
    var found: [String: [ChannelMoments.Normal]] = [:]
    let constants = self.constants
    for node in nodes where node.qualifiedType == "BatchNormalization" && node.inputs.count == 5 {
      guard let scale = constants[node.inputs[1]]?.floats,
        let shift = constants[node.inputs[2]]?.floats, scale.count == shift.count
      else { continue }
      found[node.outputs[0]] = zip(shift, scale).map { .init(mean: $0, deviation: abs($1)) }
    }
    return found
  }
}
