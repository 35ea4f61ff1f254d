import Foundation
import GraphIR
import Layers
import Operators
import Tensors

/// A network with `QuantizeLinear` and `DequantizeLinear` around what computes on integers.
///
/// Weights are int8 initializers, biases int32 in units of the product of the scales of input and weights, activations
/// uint8 by tensor. A quantised value is rounded once, where it is made; all its readers read the rounded value when a
/// quantised node made it, so that run times can keep the integers.
public struct QuantizedNetwork: Sendable {
  /// The network.
  public private(set) var graph: Graph
  private let source: Graph
  private let sites: QuantizationSites
  private let scheme: QuantizationScheme
  private var parameters: [String: QuantizationParameters] = [:]
  private let constants: [String: Tensor]
  private var roundedConstants: Set<String> = []
  private let layers: [Int: WeightedLayers.Layer]
  private let roundings: [String: Data]

  /// Quantises a prepared network as a plan says; biases of layers that stay float are not shifted.
  ///
  /// - Throws: ``QuantizationError/otherModel(reason:)`` when the plan lacks a value.
  public init(_ source: Graph, plan: QuantizationPlan, sites: QuantizationSites) throws {
    var source = source
    let made = Set(sites.nodes.flatMap { source.nodes[$0].outputs })
    BiasCorrection.apply((plan.biasShifts ?? [:]).filter { made.contains($0.key) }, to: &source)
    self.source = source
    self.sites = sites
    scheme = plan.scheme
    roundings = plan.roundings ?? [:]
    graph = source
    constants = WeightedLayers.constants(of: source)
    layers = Dictionary(
      WeightedLayers(source, registry: .standard).layers.map { ($0.node, $0) },
      uniquingKeysWith: { first, _ in first })
    let ranges = Dictionary(
      plan.activations.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    for name in sites.observed {
      guard let range = ranges[name] else {
        throw QuantizationError.otherModel(reason: "it has no range for '\(name)'")
      }
      parameters[name] = scheme.activation(range)
    }
    for name in sites.shared.keys {
      parameters[name] = parameters[sites.scaleOwner(of: name)]
    }
    rewrite()
  }

  private mutating func rewrite() {
    let quantized = Set(sites.nodes)
    let isOutput = Set(source.outputs.map(\.name))
    let made = Set(sites.nodes.flatMap { source.nodes[$0].outputs })
    var nodes: [Node] = []
    for input in source.inputs where parameters[input.name] != nil {
      nodes += pair(input.name, from: input.name)
    }
    for (index, original) in source.nodes.enumerated() {
      var node = original
      for slot in node.inputs.indices {
        let name = node.inputs[slot]
        guard parameters[name] != nil else { continue }
        let isInteger =
          quantized.contains(index) && QuantizationSites.quantizedSlots(original).contains(slot)
        // An output keeps its name, for the rounded value.
        if isInteger || made.contains(name) {
          node.inputs[slot] = isOutput.contains(name) && made.contains(name) ? name : rounded(name)
        }
      }
      if quantized.contains(index) { nodes += quantizeConstants(of: &node, original, index) }
      for slot in node.outputs.indices where parameters[node.outputs[slot]] != nil {
        if isOutput.contains(node.outputs[slot]), made.contains(node.outputs[slot]) {
          node.outputs[slot] += "_unrounded"
        }
      }
      nodes.append(node)
      for (name, renamed) in zip(original.outputs, node.outputs) where parameters[name] != nil {
        nodes += pair(name, from: renamed)
      }
    }
    graph.nodes = nodes
    graph.removeDeadNodes()
  }

  private func rounded(_ name: String) -> String { "\(name)_dequantized" }

  /// The nodes that round a value.
  private mutating func pair(_ name: String, from unrounded: String) -> [Node] {
    guard let own = parameters[name] else { return [] }
    let scale = constant("\(name)_scale", Tensor(scalar: own.scale))
    let zero = constant(
      "\(name)_zero_point", Tensor(scalar: UInt8(truncatingIfNeeded: own.zeroPoint)))
    let result = unrounded == name ? rounded(name) : name
    var value = unrounded
    var nodes: [Node] = []
    if scheme.activationBits < 8 {
      // Fewer bits than the type has: what lies above the last step is clipped before.
      let top = constant(
        "\(name)_highest", Tensor(scalar: own.real(scheme.activationRange.upperBound)))
      let bottom = constant("\(name)_lowest", Tensor(scalar: own.real(0)))
      value = "\(name)_clipped"
      nodes.append(Node("Clip", name: value, inputs: [unrounded, bottom, top], outputs: [value]))
    }
    let integers = "\(name)_quantized"
    return nodes + [
      Node("QuantizeLinear", name: integers, inputs: [value, scale, zero], outputs: [integers]),
      Node(
        "DequantizeLinear", name: "\(name)_DequantizeLinear", inputs: [integers, scale, zero],
        outputs: [result]),
    ]
  }

  private mutating func constant(_ name: String, _ tensor: Tensor) -> String {
    graph.initializers[name] = Initializer(tensor)
    return name
  }

  // MARK: Weights

  private mutating func quantizeConstants(
    of node: inout Node, _ original: Node, _ index: Int
  ) -> [Node] {
    if let layer = layers[index] { return quantizeLayer(&node, original, layer) }
    guard QuantizationSites.joins.contains(node.opType) else { return [] }
    var nodes: [Node] = []
    for slot in node.inputs.indices {
      guard let tensor = constants[original.inputs[slot]], tensor.elementType == .float32 else {
        continue
      }
      let values = tensor.floats
      let own = QuantizationScheme().activation(
        min(values.min() ?? 0, 0)...max(values.max() ?? 0, 0))
      let integers = values.map {
        UInt8(truncatingIfNeeded: own.quantized($0, in: 0...255))
      }
      let name = original.inputs[slot]
      let scale = constant("\(name)_scale", Tensor(scalar: own.scale))
      let zero = constant("\(name)_zero_point", Tensor(scalar: UInt8(own.zeroPoint)))
      node.inputs[slot] = rounded(name)
      nodes.append(
        dequantize(
          constant("\(name)_quantized", Tensor(integers, shape: tensor.shape)), scale, zero,
          into: rounded(name), axis: nil))
    }
    return nodes.filter { roundedConstants.insert($0.outputs[0]).inserted }
  }

  private mutating func quantizeLayer(
    _ node: inout Node, _ original: Node, _ layer: WeightedLayers.Layer
  ) -> [Node] {
    guard let input = parameters[original.inputs[0]] else { return [] }
    var scheme = scheme
    let isMatrix = node.opType == "MatMul"
    if isMatrix { scheme.perChannel = false }
    let biasName = !isMatrix && node.inputs.count > 2 ? original.inputs[2] : ""
    let bias = constants[biasName]?.floats
    let weights = QuantizedWeights(
      layer.tensor, axis: layer.slot.outputAxis, scheme: scheme, bias: bias,
      inputScale: input.scale,
      roundsUp: roundings[original.outputs[0]].flatMap {
        AdaptiveRounding.unpacked($0, count: layer.tensor.count)
      })
    let stem = "\(original.outputs[0])_weights"
    let channels = weights.scales.count
    let isScalar = !scheme.perChannel
    let scale = constant(
      "\(stem)_scale", isScalar ? Tensor(scalar: weights.scales[0]) : Tensor(weights.scales))
    let zeros = [Int8](repeating: 0, count: channels)
    let zero = constant("\(stem)_zero_point", isScalar ? Tensor(scalar: zeros[0]) : Tensor(zeros))
    let rank = layer.tensor.shape.count
    let axis = layer.slot.outputAxis < 0 ? layer.slot.outputAxis + rank : layer.slot.outputAxis
    var nodes = [
      dequantize(
        constant("\(stem)_quantized", weights.integers), scale, zero, into: stem,
        axis: isScalar ? nil : axis)
    ]
    node.inputs[1] = stem
    if let bias {
      let units = weights.scales.map { $0 * input.scale }
      let integers = bias.enumerated().map { channel, value -> Int32 in
        let steps = (Double(value) / Double(units[isScalar ? 0 : channel])).rounded(
          .toNearestOrEven)
        return Int32(max(min(steps, 2_147_483_647), -2_147_483_648))
      }
      let name = "\(original.outputs[0])_bias"
      let scale = constant("\(name)_scale", isScalar ? Tensor(scalar: units[0]) : Tensor(units))
      let zeros = [Int32](repeating: 0, count: units.count)
      let zero = constant("\(name)_zero_point", isScalar ? Tensor(scalar: zeros[0]) : Tensor(zeros))
      nodes.append(
        dequantize(
          constant("\(name)_quantized", Tensor(integers)), scale, zero, into: name,
          axis: isScalar ? nil : 0))
      node.inputs[2] = name
    }
    return nodes
  }

  private func dequantize(
    _ integers: String, _ scale: String, _ zero: String, into output: String, axis: Int?
  ) -> Node {
    var attributes = Attributes()
    if let axis { attributes["axis"] = .int(axis) }
    return Node(
      "DequantizeLinear", name: "\(output)_DequantizeLinear", inputs: [integers, scale, zero],
      outputs: [output], attributes: attributes)
  }
}
