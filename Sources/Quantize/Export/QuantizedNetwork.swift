import Foundation
import GraphIR
import Compression
import Operators
import Tensors

/// A network with `QuantizeLinear` and `DequantizeLinear` around what computes on integers.
///
/// Weights are int8 initializers, biases int32 in units of the product of the scales of input and
/// weights, activations uint8 by tensor. A quantised value is rounded once, where it is made; all
/// its readers read the rounded value when a quantised node made it, so that run times can keep the
/// integers.
public struct QuantizedNetwork: Sendable {
  /// The network.
  public private(set) var graph: Graph
  /// What a layer's output is called before it is rounded, by its name in the source, where the two
  /// differ.
  public private(set) var unrounded: [String: String] = [:]
  private let source: Graph
  private var names: FreshNames
  private var dequantized: [String: String] = [:]
  private let sites: QuantizationSites
  private let scheme: QuantizationScheme
  private var parameters: [String: QuantizationParameters] = [:]
  private let constants: [String: Tensor]
  private let layers: [Int: WeightedLayers.WeightedLayer]
  private let roundings: [String: Data]

  /// Quantises a prepared network as a plan says; biases of layers that stay float are not shifted.
  ///
  /// - Throws: ``QuantizationError/otherModel(reason:)`` when the plan lacks a value.
  public init(_ source: Graph, plan: QuantizationPlan, sites: QuantizationSites) throws {
    var source = source
    let made = Set(sites.nodes.flatMap { source.nodes[$0].outputs })
    BiasCorrection.apply(
      (plan.biasShifts ?? [:]).filter { made.contains($0.key) }, to: &source,
      registry: sites.registry)
    self.source = source
    names = FreshNames(source)
    self.sites = sites
    scheme = plan.scheme
    roundings = plan.roundings ?? [:]
    graph = source
    constants = source.constants
    layers = Dictionary(
      WeightedLayers(source, registry: sites.registry).layers.map { ($0.node, $0) },
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
          quantized.contains(index)
          && sites.role(of: original)?.quantizedSlots(original).contains(slot) == true
        // An output keeps its name, for the rounded value.
        if isInteger || made.contains(name) {
          node.inputs[slot] = isOutput.contains(name) && made.contains(name) ? name : rounded(name)
        }
      }
      if quantized.contains(index) { nodes += quantizeConstants(of: &node, original, index) }
      for slot in node.outputs.indices where parameters[node.outputs[slot]] != nil {
        let output = node.outputs[slot]
        if isOutput.contains(output), made.contains(output) {
          node.outputs[slot] = names.value("\(output)_unrounded")
          unrounded[output] = node.outputs[slot]
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

  /// The name of a value once it is rounded.
  private mutating func rounded(_ name: String) -> String {
    if let known = dequantized[name] { return known }
    let fresh = names.value("\(name)_dequantized")
    dequantized[name] = fresh
    return fresh
  }

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
        "\(name)_highest", Tensor(scalar: own.float(scheme.activationRange.upperBound)))
      let bottom = constant("\(name)_lowest", Tensor(scalar: own.float(0)))
      value = names.value("\(name)_clipped")
      nodes.append(
        Node("Clip", name: names.node(value), inputs: [unrounded, bottom, top], outputs: [value]))
    }
    let integers = names.value("\(name)_quantized")
    return nodes + [
      Node(
        "QuantizeLinear", name: names.node(integers), inputs: [value, scale, zero],
        outputs: [integers]),
      Node(
        "DequantizeLinear", name: names.node("\(name)_DequantizeLinear"),
        inputs: [integers, scale, zero], outputs: [result]),
    ]
  }

  /// A new constant; its name.
  private mutating func constant(_ stem: String, _ tensor: Tensor) -> String {
    let name = names.value(stem)
    graph.initializers[name] = Initializer(tensor)
    return name
  }

  // MARK: Weights

  private mutating func quantizeConstants(
    of node: inout Node, _ original: Node, _ index: Int
  ) -> [Node] {
    if let layer = layers[index] { return quantizeLayer(&node, original, layer) }
    guard sites.role(of: node) == .combination else { return [] }
    var nodes: [Node] = []
    for slot in node.inputs.indices {
      let name = original.inputs[slot]
      guard let tensor = constants[name], tensor.elementType == .float32 else { continue }
      let isKnown = dequantized[name] != nil
      node.inputs[slot] = rounded(name)
      if !isKnown { nodes.append(quantize(name, tensor)) }
    }
    return nodes
  }

  /// Stores a constant as bytes; the node that makes it of them.
  private mutating func quantize(_ name: String, _ tensor: Tensor) -> Node {
    let values = tensor.floats
    let own = QuantizationScheme().activation(
      min(values.min() ?? 0, 0)...max(values.max() ?? 0, 0))
    let integers = values.map {
      UInt8(truncatingIfNeeded: own.quantized($0, in: 0...255))
    }
    let scale = constant("\(name)_scale", Tensor(scalar: own.scale))
    let zero = constant("\(name)_zero_point", Tensor(scalar: UInt8(own.zeroPoint)))
    return dequantize(
      constant("\(name)_quantized", Tensor(integers, shape: tensor.shape)), scale, zero,
      into: rounded(name), axis: nil)
  }

  private mutating func quantizeLayer(
    _ node: inout Node, _ original: Node, _ layer: WeightedLayers.WeightedLayer
  ) -> [Node] {
    guard let input = parameters[original.inputs[0]] else { return [] }
    let quantized = QuantizedLayer(
      original, layer, scheme: scheme, constants: constants, inputScale: input.scale,
      roundings: roundings[original.outputs[0]])
    let stem = names.value("\(original.outputs[0])_weights")
    let scales = quantized.weights.scales
    let isScalar = quantized.isPerTensor
    func shaped<Element: TensorElement>(_ values: [Element]) -> Tensor {
      isScalar ? Tensor(scalar: values[0]) : Tensor(values)
    }
    let scale = constant("\(stem)_scale", shaped(scales))
    let zero = constant("\(stem)_zero_point", shaped(scales.map { _ in Int8(0) }))
    var nodes = [
      dequantize(
        constant("\(stem)_quantized", quantized.weights.integers), scale, zero, into: stem,
        axis: isScalar ? nil : quantized.axis)
    ]
    node.inputs[layer.slot.input] = stem
    if let bias = quantized.bias, let slot = layer.rules.biasInput {
      let name = names.value("\(original.outputs[0])_bias")
      let scale = constant("\(name)_scale", shaped(bias.units))
      let zero = constant("\(name)_zero_point", shaped(bias.units.map { _ in Int32(0) }))
      nodes.append(
        dequantize(
          constant("\(name)_quantized", Tensor(bias.integers)), scale, zero, into: name,
          axis: isScalar ? nil : 0))
      node.inputs[slot] = name
      // Run times fuse products whose β is 1; it is in the bias already.
      if bias.hasBeta { node.attributes["beta"] = nil }
    }
    return nodes
  }

  private mutating func dequantize(
    _ integers: String, _ scale: String, _ zero: String, into output: String, axis: Int?
  ) -> Node {
    var attributes = Attributes()
    if let axis { attributes["axis"] = .int(axis) }
    return Node(
      "DequantizeLinear", name: names.node("\(output)_DequantizeLinear"),
      inputs: [integers, scale, zero], outputs: [output], attributes: attributes)
  }
}
