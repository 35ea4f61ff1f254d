import GraphIR
import Compression
import Tensors

/// The constants of a graph that unstructured pruning may zero, and those it keeps with the reason.
///
/// Weights are the constant operands of ``WeightedOperator``s with rank 2 or more. By default the
/// layers without a weighted layer before them (they read the image) and those without one after
/// them (they make the detections) are kept whole. They have few weights, and all information
/// passes through them.
public struct PrunableWeights: Sendable {
  /// One weight tensor.
  public struct Weight: Sendable {
    /// The name of the constant.
    public var name: String
    /// The label of the first node that reads it.
    public var layer: String
    /// That node's name; may be empty.
    public var nodeName: String
    /// The operator that reads it.
    public var opType: String
    /// The value.
    public var tensor: Tensor
    /// The axis that output channels run along.
    public var outputAxis: Int
    /// The axis that input channels run along.
    public var inputAxis: Int
    /// Why the weight is kept whole, `nil` when it may be pruned.
    public var keptBecause: KeepReason?
  }

  /// Why a weight is kept whole.
  public enum KeepReason: String, Codable, Sendable {
    case firstLayer = "first layer"
    case detectionOutput = "detection output"
    case fixedProjection = "fixed projection 0, 1, 2 …, not a learnt weight"
    case excluded = "excluded"
    case patternDoesNotFit = "input channels do not fit the pattern"
    case computed = "other nodes compute the operand from it"
    case notFloat = "quantised: not a floating-point tensor"
  }

  /// All weights in the order of the nodes that read them.
  public var weights: [Weight]

  /// Finds the weights of a graph.
  ///
  /// - Parameters:
  ///   - excluded: globs over node and constant names that are kept whole.
  ///   - keepsEnds: whether first layers and detection outputs are kept.
  public init(
    _ graph: Graph, registry: OperatorRegistry, excluded: [NamePattern] = [],
    keepsEnds: Bool = true
  ) {
    let layers = WeightedLayers(graph, registry: registry)
    weights = []
    var places: [String: Int] = [:]
    for var layer in layers.layers {
      let node = graph.nodes[layer.node]
      layer.lookThroughStorage(in: graph, registry: registry)
      var reason: KeepReason?
      if layer.isFixed {
        reason = .fixedProjection
      } else if layer.isComputed {
        reason = .computed
      } else if excluded.contains(where: { $0.matches(node.name) || $0.matches(layer.weight) }) {
        reason = .excluded
      } else if keepsEnds && layer.isFirst {
        reason = .firstLayer
      } else if keepsEnds && layer.isLast {
        reason = .detectionOutput
      }
      if !layer.tensor.elementType.isFloatingPoint { reason = .notFloat }
      if let place = places[layer.weight] {
        weights[place].keptBecause = weights[place].keptBecause ?? reason
        continue
      }
      places[layer.weight] = weights.count
      let rank = layer.tensor.shape.count
      weights.append(
        Weight(
          name: layer.weight, layer: node.label, nodeName: node.name, opType: node.qualifiedType,
          tensor: layer.tensor, outputAxis: (layer.slot.outputAxis + rank) % rank,
          inputAxis: (layer.slot.inputAxis + rank) % rank, keptBecause: reason))
    }
  }
}

extension WeightedLayers.WeightedLayer {
  /// Takes the float values that the node reads as the weight where the file stores them quantised.
  fileprivate mutating func lookThroughStorage(in graph: Graph, registry: OperatorRegistry) {
    let name = graph.nodes[node].inputs[slot.input]
    guard isComputed, let stored = StoredWeights(name, in: graph, registry: registry),
      let numbers = try? stored.decoded()
    else { return }
    (weight, tensor, isComputed) = (name, numbers, false)
  }
}
