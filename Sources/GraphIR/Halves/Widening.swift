import OrderedCollections
import Tensors

extension Graph {
  /// The same network computed in float32 where it computes in float16 or bfloat16.
  ///
  /// Constants become float32, exactly. Inputs and outputs keep their types: a `Cast` follows each
  /// such input and makes each such output. A `Cast` to 16 bits rounds as before, and its result is
  /// read as float32. Nothing else rounds between operators. A graph without 16-bit floats, or one
  /// that was widened before, is returned unchanged.
  public func widened() -> Graph { Widening(self).graph }
}

/// A graph on its way from 16 to 32 bits, with a record of what was inserted.
///
/// Afterwards 16-bit floats are found only between inputs, `Cast` nodes and outputs.
struct Widening {
  private(set) var graph: Graph
  /// The float32 value that stands for each 16-bit input and output, and for each `Cast` that is an
  /// output.
  private(set) var twins: [String: String] = [:]
  /// The rounded value behind each `Cast` to 16 bits that only nodes read, by the value they read.
  private(set) var rounded: [String: String] = [:]
  /// The nodes that rounded a constant which nothing else reads, by the constant that stands for
  /// their result.
  private(set) var folded: [String: Node] = [:]

  /// ONNX's codes of the types.
  private static let codes: [Int: ElementType] = [10: .float16, 16: .bfloat16]
  private static let float32Code = 1

  init(_ graph: Graph) {
    self.graph = graph
    guard graph.mentionsHalves else { return }
    resolveCastLike()
    self.graph.widenConstants()
    castInputs()
    foldCasts()
    castNodes()
    castOutputs()
  }

  /// What a node casts to, when that has 16 bits.
  private static func target(_ node: Node) -> ElementType? {
    guard node.domain.isEmpty, node.opType == "Cast", case .int(let code)? = node.attributes["to"]
    else { return nil }
    return codes[code]
  }

  private static func cast(_ input: String, to code: Int, as output: String) -> Node {
    Node(
      "Cast", inputs: [input], outputs: [output], attributes: ["to": .int(code)])
  }

  private static func code(_ type: ElementType) -> Int { type == .float16 ? 10 : 16 }

  // MARK: Casts

  /// Makes a `Cast` of each `CastLike` whose second input is known to have 16 bits.
  private mutating func resolveCastLike() {
    guard graph.nodes.contains(where: { $0.opType == "CastLike" }) else { return }
    var types = graph.valueTypes.mapValues(\.type).filter { $0.value.half != nil }
    for input in graph.inputs { types[input.name] = input.type }
    for (name, initializer) in graph.initializers {
      types[name] = ValueType(initializer.tensor.type)
    }
    for node in graph.nodes {
      guard let output = node.outputs.first else { continue }
      if let type = node.constantTensor?.type { types[output] = ValueType(type) }
      if let type = Self.target(node) { types[output] = .tensor(type, shape: nil) }
    }
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard node.domain.isEmpty, node.opType == "CastLike", node.inputs.count == 2,
        let type = types[node.inputs[1]]?.half
      else { continue }
      graph.nodes[index].opType = "Cast"
      graph.nodes[index].inputs = [node.inputs[0]]
      graph.nodes[index].attributes["to"] = .int(Self.code(type))
    }
  }

  private mutating func castInputs() {
    var links = Connectivity(graph)
    for input in graph.requiredInputs where input.type.half != nil {
      guard !readsAreCasts(of: input.name, links) else { continue }
      let twin = graph.freshName("\(input.name)/float32")
      graph.renameUses(of: input.name, to: twin)
      graph.nodes.insert(Self.cast(input.name, to: Self.float32Code, as: twin), at: 0)
      twins[input.name] = twin
      links = Connectivity(graph)
    }
  }

  /// Rounds constants that a `Cast` turns into 16 bits, as converters that keep a file's interface
  /// write them.
  private mutating func foldCasts() {
    let links = Connectivity(graph)
    graph.nodes.removeAll { node in
      guard let type = Self.target(node), let source = node.inputs.first,
        let output = node.outputs.first, !links.outputs.contains(output),
        links.soleConsumer(of: source) != nil, let initializer = graph.initializers[source],
        initializer.tensor.elementType == .float32
      else { return false }
      graph.initializers[source] = nil
      graph.inputs.removeAll { $0.name == source }
      graph.initializers[output] = Initializer(
        initializer.tensor.narrowed(to: type).widened, encoding: initializer.encoding)
      folded[output] = node
      return true
    }
  }

  private func readsAreCasts(of name: String, _ links: Connectivity) -> Bool {
    (links.consumers[name] ?? []).allSatisfy { graph.nodes[$0].qualifiedType == "Cast" }
  }

  /// Whether a value is an output that is not declared to have 16 bits.
  private func isTapped(_ name: String, _ kept: Set<String>) -> Bool {
    !kept.contains(name) && graph.outputs.contains { $0.name == name }
  }

  /// Lets nodes read the result of a `Cast` to 16 bits as float32.
  private mutating func castNodes() {
    let links = Connectivity(graph)
    let kept = Set(graph.outputs.filter { $0.type.half != nil }.map(\.name))
    var added: [(place: Int, node: Node)] = []
    for index in graph.nodes.indices {
      guard Self.target(graph.nodes[index]) != nil, let output = graph.nodes[index].outputs.first,
        !readsAreCasts(of: output, links) || isTapped(output, kept)
      else { continue }
      if kept.contains(output) {
        let twin = graph.freshName("\(output)/float32")
        graph.renameUses(of: output, to: twin)
        added.append((index + 1, Self.cast(output, to: Self.float32Code, as: twin)))
        twins[output] = twin
      } else {
        let half = graph.freshName("\(output)/rounded")
        graph.nodes[index].outputs[0] = half
        added.append((index + 1, Self.cast(half, to: Self.float32Code, as: output)))
        rounded[output] = half
      }
    }
    for (place, node) in added.reversed() { graph.nodes.insert(node, at: place) }
  }

  private mutating func castOutputs() {
    let links = Connectivity(graph)
    for output in graph.outputs {
      guard let type = output.type.half, twins[output.name] == nil else { continue }
      let producer = links.producer[output.name]
      if let producer {
        guard Self.target(graph.nodes[producer]) == nil else { continue }
      } else if graph.initializers[output.name] == nil {
        continue
      }
      let twin = graph.freshName("\(output.name)/float32")
      graph.renameUses(of: output.name, to: twin)
      if let producer {
        graph.nodes[producer].outputs = graph.nodes[producer].outputs.map {
          $0 == output.name ? twin : $0
        }
      } else if let initializer = graph.initializers.removeValue(forKey: output.name) {
        graph.initializers[twin] = initializer
      }
      graph.nodes.append(Self.cast(twin, to: Self.code(type), as: output.name))
      twins[output.name] = twin
    }
  }
}

extension ValueType {
  /// The type of the elements, when it has 16 bits.
  var half: ElementType? {
    guard case .tensor(let element, _) = self, element.isHalf else { return nil }
    return element
  }

  /// The same type of float32 elements, when they have 16 bits.
  var widened: ValueType {
    guard half != nil, case .tensor(_, let shape) = self else { return self }
    return .tensor(.float32, shape: shape)
  }
}

extension Graph {
  /// Integer attributes that name the type of a node's outputs or of its computation.
  static let typeAttributes: Set<String> = [
    "dtype", "output_dtype", "output_datatype", "precision", "softmax_precision", "stash_type",
  ]

  /// Whether the graph mentions 16-bit floats anywhere.
  var mentionsHalves: Bool {
    inputs.contains { $0.type.half != nil } || outputs.contains { $0.type.half != nil }
      || initializers.values.contains { $0.tensor.elementType.isHalf }
      || nodes.contains { node in
        node.attributes.elements.contains { attribute in
          switch attribute.value {
          case .int(let code):
            [10, 16].contains(code)
              && (Self.typeAttributes.contains(attribute.name) || attribute.name == "to")
          case .tensor(let tensor): tensor.elementType.isHalf
          default: attribute.value.subgraphs.contains(where: \.mentionsHalves)
          }
        }
      }
  }

  /// Makes every 16-bit constant, and every 16-bit type in a node's attributes, float32.
  ///
  /// Subgraphs are converted as a whole.
  fileprivate mutating func widenConstants() {
    for (name, initializer) in initializers where initializer.tensor.elementType.isHalf {
      initializers[name]?.tensor = initializer.tensor.widened
    }
    for index in inputs.indices where initializers[inputs[index].name] != nil {
      inputs[index].type = inputs[index].type.widened
    }
    for name in valueTypes.keys {
      if let type = valueTypes[name]?.type { valueTypes[name]?.type = type.widened }
    }
    for index in nodes.indices {
      for (name, value) in nodes[index].attributes.elements {
        switch value {
        case .tensor(let tensor) where tensor.elementType.isHalf:
          nodes[index].attributes[name] = .tensor(tensor.widened)
        case .int(let code) where Self.typeAttributes.contains(name) && [10, 16].contains(code):
          nodes[index].attributes[name] = .int(1)
        case .graph(let graph): nodes[index].attributes[name] = .graph(graph.widenedBody())
        case .graphs(let graphs):
          nodes[index].attributes[name] = .graphs(graphs.map { $0.widenedBody() })
        default: break
        }
      }
    }
  }

  /// A subgraph whose inputs and outputs are float32 as well.
  private func widenedBody() -> Graph {
    var body = self
    for index in body.inputs.indices { body.inputs[index].type = body.inputs[index].type.widened }
    for index in body.outputs.indices {
      body.outputs[index].type = body.outputs[index].type.widened
    }
    return body.widened()
  }

  /// Makes every reader of `old` read `new`, subgraphs included, graph outputs excepted.
  fileprivate mutating func renameUses(of old: String, to new: String) {
    replaceUses(of: old, with: new)
    for index in nodes.indices where nodes[index].capturedNames.contains(old) {
      for (name, value) in nodes[index].attributes.elements {
        switch value {
        case .graph(let graph): nodes[index].attributes[name] = .graph(graph.renamed(old, new))
        case .graphs(let graphs):
          nodes[index].attributes[name] = .graphs(graphs.map { $0.renamed(old, new) })
        default: break
        }
      }
    }
  }

  private func renamed(_ old: String, _ new: String) -> Graph {
    // A subgraph may use the name for a value of its own.
    let own = inputs.map(\.name) + initializers.keys + nodes.flatMap(\.outputs)
    guard !own.contains(old) else { return self }
    var body = self
    body.renameUses(of: old, to: new)
    for index in body.outputs.indices where body.outputs[index].name == old {
      body.outputs[index].name = new
    }
    return body
  }
}
