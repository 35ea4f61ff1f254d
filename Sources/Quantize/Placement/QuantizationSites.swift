import Compression
import GraphIR
import Tensors

/// Which nodes of a network compute on integers, and which values that quantises.
///
/// Layers with weights are quantised. Functions, concatenations, sums and products are quantised
/// along with what they follow. Layout operators keep the scale of what they rearrange.
///
/// All that comes after the last layers stays float: decoding of boxes, softmax over distances,
/// sigmoids of scores. Its results span ranges that one scale of 8 bits cannot hold. Boxes in
/// pixels and scores in one tensor collapse to zero mAP. The last layers themselves multiply
/// integers but answer in floats, because one scale would have to hold offsets, sizes and scores of
/// all classes.
///
/// Placement follows what ONNX Runtime fuses: each quantised operator stands between its own
/// `DequantizeLinear` and `QuantizeLinear`.
public struct QuantizationSites: Sendable {
  /// Indices of the quantised nodes.
  public private(set) var nodes: [Int] = []
  /// What stays float.
  public private(set) var kept: [QuantizationPlan.Kept] = []
  /// Values that are quantised with a range of their own, in order.
  public private(set) var observed: [String] = []
  /// Values that have the scale of another, by name.
  public private(set) var shared: [String: String] = [:]
  /// The operators whose roles decided.
  public let registry: OperatorRegistry
  private let links: Connectivity
  private let floats: Set<String>

  /// Finds the places.
  ///
  /// - Parameters:
  ///   - registry: The known operators.
  ///   - excluded: Nodes that are to stay float, by name or first output, and why.
  ///   - included: Nodes to quantise although they come after the last layers.
  ///   - floats: What `Graph.floatValues` says, where that is known already.
  public init(
    _ graph: Graph, registry: OperatorRegistry, excluded: [String: String] = [:],
    included: Set<String> = [], floats: Set<String>? = nil
  ) {
    self.registry = registry
    links = Connectivity(graph)
    let floats = floats ?? graph.floatValues(registry: registry)
    self.floats = floats
    let layers = WeightedLayers(graph, registry: registry).layers
    let usable = Dictionary(
      layers.map { ($0.node, $0) }, uniquingKeysWith: { first, _ in first })
    let before = Self.nodesBeforeLayers(
      graph, Set(layers.filter { !$0.isFixed }.map(\.node)), included)
    var made: Set<String> = []
    let images = Set(graph.requiredInputs.map(\.name)).intersection(floats)
    for (index, node) in graph.nodes.enumerated() {
      guard let output = node.outputs.first else { continue }
      let choice = choose(
        node, usable[index], isBefore: before.contains(index), made: made, images: images,
        isFloat: ([output] + node.inputs.prefix(1)).allSatisfy(floats.contains))
      var reason = choice
      if let why = excluded[output] ?? excluded[node.name] { reason = .keep(why) }
      switch reason {
      case .quantize:
        nodes.append(index)
        made.formUnion(floats.intersection(node.outputs))
      case .keep(let why):
        kept.append(
          .init(node: node.name.isEmpty ? output : node.name, opType: node.opType, reason: why))
      case .ignore: break
      }
    }
    findValues(graph, before)
  }

  private enum Choice {
    case quantize
    case keep(String)
    /// Constants, shapes, and what merely follows something kept.
    case ignore
  }

  /// Whether a node is of a kind that has weights and an integer kernel.
  public func isLayer(_ node: Node) -> Bool { role(of: node) == .layer }

  /// The role of a node between quantised values; `nil` where it stays float.
  func role(of node: Node) -> QuantizationRole? { registry.quantizationRole(of: node) }

  private func choose(
    _ node: Node, _ layer: WeightedLayers.WeightedLayer?, isBefore: Bool, made: Set<String>,
    images: Set<String>, isFloat: Bool
  ) -> Choice {
    let role = role(of: node)
    guard node.domain.isEmpty || role != nil, let input = node.inputs.first else {
      return .ignore
    }
    if role == .layer, let layer {
      if layer.isFixed { return .keep("it turns distributions into distances") }
      if layer.isComputed { return .keep("its weights are computed as the network runs") }
      guard layer.tensor.elementType == .float32 else {
        return .keep("its weights are not float32")
      }
      guard isFloat else { return .keep("its values are not known to be float32") }
      return layer.slot.input == 1 ? .quantize : .ignore
    }
    if role == .floatLayer {
      return .keep("run times have no integer kernel for it")
    }
    let follows = node.inputs.contains(where: made.contains)
    guard follows || images.contains(input) else { return .ignore }
    guard isBefore else {
      return follows ? .keep("it decodes what the last layers say") : .ignore
    }
    switch role {
    case nil, .layer, .floatLayer: return .keep("run times have no integer kernel for it")
    case _ where !isFloat: return .ignore
    case .layout: return made.contains(input) || images.contains(input) ? .quantize : .ignore
    case .combination: return follows ? .quantize : .ignore
    case .function, .clamp: return made.contains(input) ? .quantize : .ignore
    }
  }

  /// Nodes whose outputs reach a layer with weights.
  private static func nodesBeforeLayers(
    _ graph: Graph, _ layers: Set<Int>, _ included: Set<String>
  ) -> Set<Int> {
    var needed: Set<String> = []
    var result: Set<Int> = []
    for (index, node) in graph.nodes.enumerated().reversed() {
      let isAsked =
        included.contains(node.name) || node.outputs.contains(where: included.contains)
      let reaches = node.outputs.contains(where: needed.contains)
      if reaches || isAsked { result.insert(index) }
      if reaches || isAsked || layers.contains(index) { needed.formUnion(node.inputs) }
    }
    return result
  }

  /// The values that quantised nodes read and make.
  private mutating func findValues(_ graph: Graph, _ before: Set<Int>) {
    let quantized = Set(nodes)
    var seen: Set<String> = []
    let constants = graph.constants
    let floats = floats
    func add(_ name: String, _ sites: inout QuantizationSites) {
      guard constants[name] == nil, floats.contains(name), seen.insert(name).inserted else {
        return
      }
      sites.observed.append(name)
    }
    for index in nodes {
      let node = graph.nodes[index]
      let role = role(of: node)
      for slot in role?.quantizedSlots(node) ?? []
      where !isClampOf(node.inputs[slot], node, quantized, graph) {
        add(node.inputs[slot], &self)
      }
      if role == .layout {
        for output in node.outputs
        where floats.contains(output) && seen.insert(output).inserted {
          shared[output] = node.inputs[0]
        }
      } else if let output = node.outputs.first, before.contains(index),
        !isClamped(output, graph, quantized)
      {
        add(output, &self)
      }
    }
  }

  /// Whether a quantised clamp alone reads a value, so that clamp and rounding are one.
  private func isClamped(_ value: String, _ graph: Graph, _ quantized: Set<Int>) -> Bool {
    guard let reader = links.soleConsumer(of: value), quantized.contains(reader) else {
      return false
    }
    return role(of: graph.nodes[reader]) == .clamp
  }

  /// Whether a node clamps what a quantised node makes for it alone.
  private func isClampOf(_ value: String, _ node: Node, _ quantized: Set<Int>, _ graph: Graph)
    -> Bool
  {
    guard role(of: node) == .clamp, let producer = links.producer[value] else {
      return false
    }
    return quantized.contains(producer) && isClamped(value, graph, quantized)
  }

  /// Whether a value is clamped before it is quantised.
  func isClamped(_ value: String, in graph: Graph) -> Bool {
    isClamped(value, graph, Set(nodes))
  }

  /// The value whose scale a value has.
  public func scaleOwner(of value: String) -> String {
    var value = value
    while let owner = shared[value] { value = owner }
    return value
  }
}
