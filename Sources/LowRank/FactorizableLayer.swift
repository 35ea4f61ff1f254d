import GraphIR
import Compression
import Tensors

/// A layer whose weights may be replaced by a chain of thinner ones.
///
/// The nodes that read the same weights are one layer.
public struct FactorizableLayer: Sendable {
  /// What the nodes compute.
  public enum Kind: Sendable {
    /// Convolutions in one group.
    case convolution
    /// Products with a constant matrix on the right.
    case product
  }

  /// One use of the weights.
  public struct Use: Sendable {
    /// The node's index.
    public var node: Int
    /// The spatial extents of its input; for a product, the number of rows.
    public var inputExtents: [Int]
    /// The spatial extents of its output; for a product, the number of rows.
    public var outputExtents: [Int]
  }

  /// The constant that holds the weights.
  public var weight: String
  /// What the nodes compute.
  public var kind: Kind
  /// Where the weights are used.
  public var uses: [Use]
  /// Output channels, O.
  public var outputs: Int
  /// Input channels, I.
  public var inputs: Int
  /// Extents of the kernel; empty for products.
  public var kernel: [Int]
  /// The weights as `[O, I, kernel…]`.
  public var matrix: [Float]

  /// A layer of the given parts.
  ///
  /// - Precondition: `matrix` has as many elements as the product of the extents.
  public init(
    weight: String, kind: Kind, uses: [Use], outputs: Int, inputs: Int, kernel: [Int],
    matrix: [Float]
  ) {
    (self.weight, self.kind, self.uses) = (weight, kind, uses)
    (self.outputs, self.inputs, self.kernel, self.matrix) = (outputs, inputs, kernel, matrix)
    precondition(matrix.count == parameters)
  }

  /// Positions of the kernel; 1 for products.
  public var kernelCount: Int { kernel.reduce(1, *) }
  /// The number of weights.
  public var parameters: Int { outputs * inputs * kernelCount }
  /// Multiply–accumulates of all uses.
  public var macs: Int {
    uses.reduce(0) { $0 + parameters * $1.outputExtents.reduce(1, *) }
  }
  /// The Frobenius norm of the weights.
  public var norm: Double { matrix.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }
}

/// The layers of a network that may be factorised, and why the others may not.
public struct FactorizableLayers: Sendable {
  /// A layer that stays as it is.
  public struct Skipped: Sendable, Codable, Equatable {
    /// The constant that holds its weights.
    public var weight: String
    /// Why it stays.
    public var reason: String

    /// A layer that stays as it is.
    public init(weight: String, reason: String) { (self.weight, self.reason) = (weight, reason) }
  }

  /// The layers, in the order of the network.
  public private(set) var layers: [FactorizableLayer] = []
  /// The weighted layers that are left out.
  public private(set) var skipped: [Skipped] = []

  /// Finds the layers of a graph.
  ///
  /// - Parameters:
  ///   - operands: What is known of the graph's values.
  ///   - excluded: Names of nodes or weights that stay as they are.
  ///   - keepsEnds: Whether layers that read the image or make the outputs stay as they are.
  public init(
    _ graph: Graph, registry: OperatorRegistry, operands: [String: Operand],
    excluded: [NamePattern] = [], keepsEnds: Bool = true
  ) {
    let found = WeightedLayers(graph, registry: registry).layers
    var order: [String] = []
    var groups: [String: [WeightedLayers.WeightedLayer]] = [:]
    for layer in found {
      if groups[layer.weight] == nil { order.append(layer.weight) }
      groups[layer.weight, default: []].append(layer)
    }
    for weight in order {
      guard let uses = groups[weight] else { continue }
      let names = [weight] + uses.map { graph.nodes[$0.node].name }
      let reason: String?
      if excluded.contains(where: { names.contains(where: $0.matches) }) {
        reason = "excluded"
      } else if keepsEnds, uses.contains(where: \.isFirst) {
        reason = "first layer"
      } else if keepsEnds, uses.contains(where: \.isLast) {
        reason = "makes the outputs"
      } else {
        reason = Self.obstacle(uses)
      }
      if let reason {
        skipped.append(.init(weight: weight, reason: reason))
        continue
      }
      switch Self.layer(weight, uses, graph, operands) {
      case .success(let layer): layers.append(layer)
      case .failure(let obstacle): skipped.append(.init(weight: weight, reason: obstacle.reason))
      }
    }
  }

  private struct Obstacle: Error { var reason: String }

  private static func obstacle(_ uses: [WeightedLayers.WeightedLayer]) -> String? {
    if uses.contains(where: \.isFixed) { return "a fixed ramp" }
    if uses.contains(where: \.isComputed) { return "computed from other values" }
    if uses.contains(where: { $0.tensor.elementType != .float32 }) { return "not float32" }
    if uses.contains(where: { $0.tensor.floats.contains { !$0.isFinite } }) { return "not finite" }
    return nil
  }

  private static func layer(
    _ weight: String, _ uses: [WeightedLayers.WeightedLayer], _ graph: Graph,
    _ operands: [String: Operand]
  ) -> Result<FactorizableLayer, Obstacle> {
    let tensor = uses[0].tensor
    guard tensor.shape.count >= 2, !tensor.isEmptyAxis else {
      return .failure(Obstacle(reason: "not a filter bank"))
    }
    var layer = FactorizableLayer(
      weight: weight, kind: .convolution, uses: [], outputs: tensor.shape[0],
      inputs: tensor.shape[1], kernel: Array(tensor.shape.dropFirst(2)), matrix: tensor.floats)
    for use in uses {
      let node = graph.nodes[use.node]
      let channels = tensor.shape[
        use.slot.outputAxis < 0
          ? tensor.shape.count + use.slot.outputAxis
          : use.slot.outputAxis]
      let bias = LayerBias(node, use.rules, channels: channels) { operands[$0]?.constant }
      guard bias != .other else {
        return .failure(Obstacle(reason: "its bias is computed, or differs between rows"))
      }
      guard let x = operands[node.inputs[0]]?.shape, let y = operands[node.outputs[0]]?.shape else {
        return .failure(Obstacle(reason: "shapes are not known"))
      }
      switch use.rules.arithmetic {
      case .convolution(let groups, isTransposed: false):
        guard groups == 1 else { return .failure(Obstacle(reason: "convolves in groups")) }
        layer.uses.append(
          .init(
            node: use.node, inputExtents: Array(x.dropFirst(2)),
            outputExtents: Array(y.dropFirst(2))))
      case .product(let transposesA, let isTransposed):
        guard tensor.shape.count == 2, use.slot.input == 1, !transposesA else {
          return .failure(Obstacle(reason: "not a matrix on the right"))
        }
        guard layer.uses.isEmpty || layer.kind == .product else {
          return .failure(Obstacle(reason: "read in different ways"))
        }
        if layer.uses.isEmpty, !isTransposed {
          (layer.inputs, layer.outputs) = (tensor.shape[0], tensor.shape[1])
          layer.matrix = tensor.transposedFloats
        }
        (layer.kind, layer.kernel) = (.product, [])
        let rows = [y.dropLast().reduce(1, *)]
        layer.uses.append(.init(node: use.node, inputExtents: rows, outputExtents: rows))
      case .convolution:
        return .failure(Obstacle(reason: "\(node.opType) is not factorised"))
      }
    }
    let first = graph.nodes[layer.uses[0].node]
    let isOneKind = layer.uses.allSatisfy { graph.nodes[$0.node].opType == first.opType }
    guard isOneKind, uses.allSatisfy({ $0.rules.arithmetic == uses[0].rules.arithmetic }) else {
      return .failure(Obstacle(reason: "read in different ways"))
    }
    return .success(layer)
  }
}

extension Tensor {
  /// Whether an axis has extent 0.
  fileprivate var isEmptyAxis: Bool { shape.contains(0) }

  /// The elements of a matrix `[rows, columns]` in the order of `[columns, rows]`.
  var transposedFloats: [Float] {
    let (rows, columns, values) = (shape[0], shape[1], floats)
    return (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } }
  }
}
