import Compression
import Foundation
import GraphIR
import Operators
import Tensors

/// What a plan says a network computes: the float network with the plan's fake quantisation as
/// plain arithmetic on floats.
///
/// It is the twin that a written file is compared with. Each planned value is divided by its scale,
/// rounded, clamped and multiplied again, each planned weight and bias is the real that its integer
/// stands for; nothing of what ``QuantizedNetwork`` and ``OperatorForm`` write, or of how run times
/// read it, enters.
public struct PlannedNetwork: Sendable {
  /// The network, of the same inputs.
  public private(set) var graph: Graph
  /// What each output of the float network is called here.
  public private(set) var outputs: [String: String] = [:]
  private var names: FreshNames
  private let scheme: QuantizationScheme
  private let constants: [String: Tensor]
  private var rounded: [String: String] = [:]

  /// Simulates a plan on the prepared float network that it was made for.
  ///
  /// - Throws: ``QuantizationError/otherModel(reason:)`` when the plan lacks a value.
  public init(_ float: Graph, plan: QuantizationPlan, sites: QuantizationSites) throws {
    graph = float
    graph.nodes = []
    names = FreshNames(float)
    scheme = plan.scheme
    constants = float.constants
    let ranges = Dictionary(
      plan.activations.map { ($0.name, $0.range) }, uniquingKeysWith: { first, _ in first })
    var parameters: [String: QuantizationParameters] = [:]
    for name in sites.observed + sites.shared.keys {
      guard let range = ranges[sites.scaleOwner(of: name)] else {
        throw QuantizationError.otherModel(reason: "it has no range for '\(name)'")
      }
      parameters[name] = plan.scheme.activation(range)
    }
    let layers = Dictionary(
      WeightedLayers(float, registry: sites.registry).layers.map { ($0.node, $0) },
      uniquingKeysWith: { first, _ in first })
    let quantized = Set(sites.nodes)
    let made = Set(sites.nodes.flatMap { float.nodes[$0].outputs })
    for input in float.inputs { round(input.name, parameters) }
    for (index, original) in float.nodes.enumerated() {
      var node = original
      let isQuantized = quantized.contains(index)
      let role = sites.role(of: original)
      let slots = isQuantized ? role?.quantizedSlots(original) ?? [] : []
      for (slot, name) in original.inputs.enumerated() {
        if slots.contains(slot) || made.contains(name) { node.inputs[slot] = rounded[name] ?? name }
      }
      if isQuantized, let layer = layers[index], let input = parameters[original.inputs[0]] {
        replaceConstants(
          of: &node, original, layer, inputScale: input.scale,
          shift: plan.biasShifts?[original.outputs[0]], ups: plan.roundings?[original.outputs[0]])
      } else if isQuantized, role == .combination {
        replaceConstants(of: &node, original)
      }
      graph.nodes.append(node)
      for output in original.outputs { round(output, parameters) }
    }
    graph.outputs = float.outputs.map { output in
      var info = output
      info.name = made.contains(output.name) ? rounded[output.name] ?? output.name : output.name
      outputs[output.name] = info.name
      return info
    }
  }

  /// Appends the nodes that round a value, where the plan rounds it.
  private mutating func round(_ name: String, _ parameters: [String: QuantizationParameters]) {
    guard let own = parameters[name] else { return }
    let range = scheme.activationRange
    let scale = constant(name, Tensor(scalar: own.scale))
    let lowest = constant(name, Tensor(scalar: Float(range.lowerBound - own.zeroPoint)))
    let highest = constant(name, Tensor(scalar: Float(range.upperBound - own.zeroPoint)))
    var value = name
    for (opType, operands) in [
      ("Div", [scale]), ("Round", []), ("Clip", [lowest, highest]), ("Mul", [scale]),
    ] {
      let next = names.value("\(name)/planned")
      graph.nodes.append(Node(opType, inputs: [value] + operands, outputs: [next]))
      value = next
    }
    rounded[name] = value
  }

  private mutating func constant(_ stem: String, _ tensor: Tensor) -> String {
    let name = names.value("\(stem)/planned")
    graph.initializers[name] = Initializer(tensor)
    return name
  }

  /// A layer's weights and bias as the floats that their integers stand for.
  private mutating func replaceConstants(
    of node: inout Node, _ original: Node, _ layer: WeightedLayers.WeightedLayer, inputScale: Float,
    shift: [Float]?, ups: Data?
  ) {
    let shape = layer.tensor.shape
    let axis = (layer.slot.outputAxis + shape.count) % shape.count
    let channels = shape[axis]
    let own = LayerBias(original, layer.rules, channels: channels) { constants[$0] }
    var numbers = own.constants
    if let shift, let bias = own.values(channels) { numbers = zip(bias, shift).map { $0 + $1 } }
    let alpha = layer.rules.factors.product
    let scheme = scheme.adapted(to: layer.rules)
    let weights = QuantizedWeights(
      layer.tensor, axis: axis, scheme: scheme,
      bias: alpha > 0 ? numbers.map { $0.map { $0 / alpha } } : nil,
      inputScale: inputScale,
      pairs: ProductPairs(layer.rules, slot: layer.slot, shape: shape),
      roundsUp: ups.flatMap { AdaptiveRounding.unpacked($0, count: layer.tensor.count) })
    node.inputs[layer.slot.input] = constant(
      original.inputs[layer.slot.input], Tensor(weights.floats(axis: axis), shape: shape))
    guard let numbers, let slot = layer.rules.biasInput else { return }
    let bias = numbers.enumerated().map { channel, real -> Float in
      let unit =
        Double(alpha * inputScale)
        * Double(weights.scales[weights.scales.count == 1 ? 0 : channel])
      guard alpha > 0 else { return real }
      return Float((Double(real) / unit).rounded(.toNearestOrEven) * unit)
    }
    node.setInput(slot, to: constant(original.outputs[0], Tensor(bias)))
    if !layer.rules.hasPlainWeights { node.attributes["beta"] = nil }
  }

  /// The constants of a concatenation as the floats that their bytes stand for.
  private mutating func replaceConstants(of node: inout Node, _ original: Node) {
    for (slot, name) in original.inputs.enumerated() {
      guard let tensor = constants[name], tensor.elementType == .float32 else { continue }
      let values = tensor.floats
      let own = QuantizationScheme().activation((values.min() ?? 0)...(values.max() ?? 0))
      node.inputs[slot] = constant(
        name, Tensor(values.map { own.float(own.quantized($0, in: 0...255)) }, shape: tensor.shape))
    }
  }
}
