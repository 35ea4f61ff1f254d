import Tensors

extension Graph {
  /// This altered network with the 16-bit floats of the network that it was made from.
  ///
  /// What ``widened()`` inserted is removed, and constants that had 16 bits are rounded to them
  /// again. New constants take the type of the values they are combined with: a bias or a factor of
  /// a layer that computed in 16 bits has 16 bits.
  ///
  /// - Parameter original: The network before it was widened and altered. If it has no 16-bit
  ///   floats, the graph is returned unchanged.
  public func narrowed(like original: Graph) -> Graph {
    guard original.mentionsHalves else { return self }
    return Narrowing(self, like: original).graph
  }
}

/// A graph on its way back to 16 bits.
private struct Narrowing {
  private(set) var graph: Graph
  private let original: Graph
  private let widening: Widening
  /// The 16-bit values found so far, with their types.
  private var halves: [String: ElementType] = [:]

  /// Operators whose output type does not follow from their inputs: no floats, or floats of a type
  /// of their own.
  private static let others: Set<String> = [
    "Cast", "CastLike", "Shape", "Size", "ArgMax", "ArgMin", "NonZero", "Equal", "Greater",
    "GreaterOrEqual", "Less", "LessOrEqual", "Not", "IsNaN", "IsInf", "QuantizeLinear",
    "DynamicQuantizeLinear", "NonMaxSuppression", "Constant", "ConstantOfShape", "EyeLike",
  ]
  /// Operands that are always float32, by operator.
  private static let float32Operands: [String: Set<Int>] = ["Resize": [1, 2], "Upsample": [1]]

  init(_ altered: Graph, like original: Graph) {
    (graph, self.original, widening) = (altered, original, Widening(original))
    removeCasts()
    unfold()
    restoreNodes()
    restoreConstants()
    followValues()
    restoreTypes()
  }

  /// Removes the casts around inputs, outputs and values that are rounded to 16 bits, and gives
  /// values their names back.
  private mutating func removeCasts() {
    var sources: [String: String] = [:]
    for (name, twin) in widening.twins { sources[twin] = name }
    let restored = Dictionary(
      widening.rounded.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    graph.nodes.removeAll { node in
      guard node.opType == "Cast", let output = node.outputs.first, let input = node.inputs.first
      else { return false }
      return widening.twins[input] == output || widening.twins[output] == input
        || widening.rounded[output] == input
    }
    for index in graph.nodes.indices {
      graph.nodes[index].inputs = graph.nodes[index].inputs.map { sources[$0] ?? $0 }
      graph.nodes[index].outputs = graph.nodes[index].outputs.map {
        restored[$0] ?? sources[$0] ?? $0
      }
    }
    for (twin, name) in sources where graph.initializers[twin] != nil {
      graph.initializers[name] = graph.initializers.removeValue(forKey: twin)
    }
  }

  /// Puts back the nodes that rounded constants, before constants as they are now.
  private mutating func unfold() {
    var front: [Node] = []
    for node in original.nodes {
      guard let output = node.outputs.first, widening.folded[output] == node,
        let tensor = graph.initializers.removeValue(forKey: output)?.tensor,
        let source = node.inputs.first, let before = original.initializers[source]
      else { continue }
      front.append(node)
      graph.initializers[source] = before
      // An unchanged constant keeps the digits that rounding would take away.
      if widening.graph.initializers[output]?.tensor != tensor {
        graph.initializers[source]?.tensor = tensor
      }
      guard var input = original.inputs.first(where: { $0.name == source }) else { continue }
      if tensor.shape != before.tensor.shape { input.type = ValueType(tensor.type) }
      graph.inputs.append(input)
    }
    graph.nodes.insert(contentsOf: front, at: 0)
  }

  /// Gives nodes back their 16-bit type attributes and constants.
  private mutating func restoreNodes() {
    let twins = Dictionary(
      original.nodes.compactMap { node in node.outputs.first.map { ($0, node) } },
      uniquingKeysWith: { first, _ in first })
    for index in graph.nodes.indices {
      guard let twin = graph.nodes[index].outputs.first.flatMap({ twins[$0] }) else { continue }
      if twin.opType == "CastLike", graph.nodes[index].opType == "Cast" {
        graph.nodes[index].opType = twin.opType
        graph.nodes[index].inputs += twin.inputs.dropFirst()
        graph.nodes[index].attributes = twin.attributes
      }
      for (name, value) in twin.attributes.elements {
        switch (value, graph.nodes[index].attributes[name]) {
        case (.tensor(let before), .tensor(let now)?)
        where before.elementType.isHalf && now.elementType == .float32:
          graph.nodes[index].attributes[name] = .tensor(now.narrowed(to: before.elementType))
        case (.int(let code), .int(1)?)
        where [10, 16].contains(code) && Graph.typeAttributes.contains(name):
          graph.nodes[index].attributes[name] = value
        case (.graph(let body), .graph?) where body.mentionsHalves:
          graph.nodes[index].attributes[name] = value
        case (.graphs(let bodies), .graphs?) where bodies.contains(where: \.mentionsHalves):
          graph.nodes[index].attributes[name] = value
        default: break
        }
      }
    }
  }

  private mutating func restoreConstants() {
    for (name, initializer) in original.initializers where initializer.tensor.elementType.isHalf {
      halves[name] = initializer.tensor.elementType
      guard let now = graph.initializers[name]?.tensor else { continue }
      graph.initializers[name]?.tensor = now.narrowed(to: initializer.tensor.elementType)
    }
  }

  /// Finds which values have 16 bits, and rounds new constants that are combined with them.
  private mutating func followValues() {
    let known = Set(original.initializers.keys)
    for input in graph.inputs { halves[input.name] = input.type.half }
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      let element = type(of: node)
      if let element {
        for output in node.outputs { halves[output] = element }
      }
      guard let element = element ?? halves[node.inputs.first ?? ""], !isCast(node) else {
        continue
      }
      let fixed = Self.float32Operands[node.opType] ?? []
      for (slot, name) in node.inputs.enumerated() where !fixed.contains(slot) {
        guard !known.contains(name), let tensor = graph.initializers[name]?.tensor,
          tensor.elementType == .float32
        else { continue }
        graph.initializers[name]?.tensor = tensor.narrowed(to: element)
        halves[name] = element
      }
    }
  }

  private func isCast(_ node: Node) -> Bool { node.opType == "Cast" || node.opType == "CastLike" }

  /// The 16-bit type of a node's outputs; `nil` when they have another type.
  private func type(of node: Node) -> ElementType? {
    if let tensor = node.constantTensor {
      return tensor.elementType.isHalf ? tensor.elementType : nil
    }
    for name in ["to", "dtype", "output_dtype"] {
      if case .int(let code)? = node.attributes[name] {
        return code == 10 ? .float16 : code == 16 ? .bfloat16 : nil
      }
    }
    if node.opType == "CastLike", node.inputs.count == 2 { return halves[node.inputs[1]] }
    guard !Self.others.contains(node.opType) else { return nil }
    let inputs = node.opType == "DequantizeLinear" ? Array(node.inputs.dropFirst()) : node.inputs
    return inputs.lazy.compactMap { halves[$0] }.first
  }

  /// Declares the types that the original declares, for values and inputs that still have the name.
  private mutating func restoreTypes() {
    for name in graph.valueTypes.keys {
      guard let before = original.valueTypes[name]?.type, before.half != nil,
        case .tensor(_, let shape)? = graph.valueTypes[name]?.type,
        case .tensor(let element, _) = before
      else { continue }
      graph.valueTypes[name]?.type = .tensor(element, shape: shape)
    }
    let order = Dictionary(
      original.inputs.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    graph.inputs.sort { (order[$0.name] ?? .max) < (order[$1.name] ?? .max) }
    for index in graph.inputs.indices {
      guard let tensor = graph.initializers[graph.inputs[index].name]?.tensor,
        tensor.elementType.isHalf, case .tensor(_, let shape) = graph.inputs[index].type
      else { continue }
      graph.inputs[index].type = .tensor(tensor.elementType, shape: shape)
    }
  }
}
