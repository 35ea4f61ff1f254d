import GraphIR
import Tensors

/// One walk over a graph that replaces nodes between dequantised and quantised values.
///
/// What is replaced stays in the list until dead nodes are removed; the walk never needs to know
/// whether somebody else still reads it.
struct IntegerRewriting {
  /// The graph so far.
  private(set) var result: Graph
  let source: Graph
  private let registry: OperatorRegistry
  let links: Connectivity
  /// What is known of real values, by name.
  private var functions: [String: ByteFunction] = [:]
  /// Quantised values that are tables of another: its name, and the bytes.
  private var tables: [String: (source: String, isSigned: Bool, bytes: [UInt8])] = [:]
  /// Element types and shapes, those of new values included.
  private var types: [String: TensorType] = [:]
  private var aliases: [String: String] = [:]
  private var constantCount = 0
  private var names: FreshNames

  init(_ graph: Graph, registry: OperatorRegistry) {
    (source, self.registry) = (graph, registry)
    names = FreshNames(graph)
    result = graph
    result.nodes = []
    links = Connectivity(graph)
    for (name, info) in graph.valueTypes { types[name] = info.type.concrete }
  }

  mutating func rewrite() throws {
    for (index, original) in source.nodes.enumerated() {
      let node = original.renamingReads(aliases)
      if node.qualifiedType == "QuantizeLinear", try quantize(node) { continue }
      if node.qualifiedType == "Conv", quantizer(of: node.outputs[0]) == nil,
        let integer = dequantizedConvolution(node)
      {
        result.nodes.append(integer)
        continue
      }
      result.nodes.append(node)
      try learn(node, index)
    }
  }

  // MARK: What is known of values

  private mutating func learn(_ node: Node, _ index: Int) throws {
    let role = registry.quantizationRole(of: node)
    guard node.domain.isEmpty || role != nil else { return }
    if node.qualifiedType == "DequantizeLinear" { return dequantize(node) }
    if role == .layout { return move(node) }
    let inputs = node.inputs.filter { !$0.isEmpty }
    let known = inputs.compactMap { functions[$0] }
    guard let first = known.first, node.outputs.count == 1, known.count <= 2 else { return }
    let rules = try registry.makeOperator(for: node, in: source)
    guard rules is any ElementwiseOperator else { return }
    let rooted = known.count == 1 ? [first] : known.map(rooted)
    guard Set(rooted.map(\.source)).count == 1 else { return }
    var operands: [Tensor?] = []
    var next = 0
    for name in node.inputs {
      if functions[name] != nil {
        operands.append(Tensor(rooted[next].values))
        next += 1
      } else if name.isEmpty {
        operands.append(nil)
      } else if let constant = constant(name), constant.count == 1 {
        operands.append(constant.reshaped(to: rules is Clip ? [] : [1]))
      } else {
        return
      }
    }
    let values = try rules.evaluate(operands, pool: ThreadPool(threads: 1))
    guard values.count == 1, values[0].elementType == .float32, values[0].count == 256 else {
      return
    }
    functions[node.outputs[0]] = ByteFunction(
      source: rooted[0].source, isSigned: rooted[0].isSigned, values: values[0].floats)
  }

  /// The function of the value that is no table of another.
  private func rooted(_ function: ByteFunction) -> ByteFunction {
    var function = function
    while let table = tables[function.source] {
      function = ByteFunction(
        source: table.source, isSigned: table.isSigned,
        values: table.bytes.map { function.values[Int($0)] })
    }
    return function
  }

  private mutating func dequantize(_ node: Node) {
    guard constant(node.inputs[0]) == nil, let type = types[node.inputs[0]],
      type.elementType == .uint8 || type.elementType == .int8,
      let parameters = parameters(node)
    else { return }
    functions[node.outputs[0]] = ByteFunction(
      source: node.inputs[0], isSigned: type.elementType == .int8, parameters)
  }

  /// Scale and zero point of a node that has one of each, known ones.
  private func parameters(_ node: Node) -> QuantizationParameters? {
    guard let scale = constant(node.inputs[1]), scale.count == 1 else { return nil }
    var zero: Int32 = 0
    if node.inputs.count > 2, !node.inputs[2].isEmpty {
      guard let value = constant(node.inputs[2]), value.count == 1 else { return nil }
      zero = Int32(value.integers[0])
    }
    return QuantizationParameters(scale: scale.floats[0], zeroPoint: zero)
  }

  /// A value known before the run: an initializer, or one that is dequantised.
  private func constant(_ name: String) -> Tensor? {
    if let tensor = source[constant: name] ?? result[constant: name] { return tensor }
    guard let index = links.producer[name],
      source.nodes[index].qualifiedType == "DequantizeLinear"
    else { return nil }
    let inputs = source.nodes[index].inputs.map { $0.isEmpty ? nil : source[constant: $0] }
    guard inputs[0] != nil, inputs[1] != nil,
      let rules = try? registry.makeOperator(for: source.nodes[index], in: source)
    else { return nil }
    return try? rules.evaluate(inputs, pool: ThreadPool(threads: 1)).first
  }

  // MARK: Layout operators

  private mutating func move(_ node: Node) {
    guard let function = functions[node.inputs[0]], let rules = quantizable(node) else { return }
    switch rules.elementMotion {
    case .moved: break
    case .chosenByOrder:
      guard function.isMonotone, node.outputs.count == 1 else { return }
    case .mixed: return
    }
    var moved = node
    moved.inputs[0] = function.source
    moved.outputs = node.outputs.map { $0.isEmpty ? "" : names.value("\($0)/bytes") }
    let elementType: ElementType = function.isSigned ? .int8 : .uint8
    for (real, bytes) in zip(node.outputs, moved.outputs) {
      guard let type = types[real] else { return }
      types[bytes] = TensorType(elementType, type.shape)
    }
    result.nodes.append(moved)
    for (real, bytes) in zip(node.outputs, moved.outputs) {
      functions[real] = function
      functions[real]?.source = bytes
    }
  }

  // MARK: What ends in bytes

  /// Replaces a `QuantizeLinear` and what it quantises.
  private mutating func quantize(_ node: Node) throws -> Bool {
    guard let parameters = parameters(node), let type = types[node.outputs[0]],
      type.elementType == .uint8 || type.elementType == .int8
    else { return false }
    let target = ByteTarget(parameters: parameters, isSigned: type.elementType == .int8)
    let output = node.outputs[0]
    if let function = functions[node.inputs[0]] {
      let bytes = function.quantized(target)
      if function.isSigned == target.isSigned, bytes.enumerated().allSatisfy({ $0 == Int($1) }),
        !links.outputs.contains(output)
      {
        aliases[output] = function.source
        return true
      }
      look(up: function, bytes, into: output, target)
      return true
    }
    guard let made = unclamped(node.inputs[0]) else { return false }
    let clamp = target.clamp(made.lowest, made.highest)
    let direct = clamp == nil ? output : names.value("\(output)/unclamped")
    guard let nodes = integer(made.node, into: direct, target) else { return false }
    result.nodes += nodes
    if let clamp {
      types[direct] = type
      let identity = ByteFunction(source: direct, isSigned: target.isSigned, values: [])
      look(up: identity, clamp, into: output, target)
    }
    return true
  }

  private mutating func look(
    up function: ByteFunction, _ bytes: [UInt8], into output: String, _ target: ByteTarget
  ) {
    let table =
      target.isSigned ? Tensor(bytes.map { Int8(bitPattern: $0) }) : Tensor(bytes)
    result.nodes.append(
      Node(
        "ByteTable", domain: "compress", name: output, inputs: [function.source, new(table)],
        outputs: [output]))
    tables[output] = (function.source, function.isSigned, bytes)
  }

  /// The node that makes a value which nobody else reads, past the clamps between.
  private func unclamped(
    _ value: String
  ) -> (node: Node, lowest: Float, highest: Float)? {
    var (lowest, highest) = (-Float.infinity, Float.infinity)
    var value = value
    while let index = links.producer[value], links.soleConsumer(of: value) != nil {
      let node = source.nodes[index]
      guard let bounds = clampBounds(node) else {
        return (node.renamingReads(aliases), lowest, highest)
      }
      highest = min(highest, max(bounds.upperBound, lowest))
      lowest = min(max(lowest, bounds.lowerBound), highest)
      value = node.inputs[0]
    }
    return nil
  }

  private func clampBounds(_ node: Node) -> ClosedRange<Float>? {
    (quantizable(node) as? any ClampOperator)?.bounds(node, constant: constant)
  }

  /// The rules of a node that may stand between quantised values.
  private func quantizable(_ node: Node) -> (any QuantizableOperator)? {
    guard registry.quantizationRole(of: node) != nil else { return nil }
    return (try? registry.makeOperator(for: node, in: source))
      as? any QuantizableOperator
  }

  /// The `QuantizeLinear` that alone reads a value, past clamps.
  private func quantizer(of value: String) -> Int? {
    guard let reader = links.soleConsumer(of: value) else { return nil }
    let node = source.nodes[reader]
    if node.qualifiedType == "QuantizeLinear" { return reader }
    guard clampBounds(node) != nil, node.inputs[0] == value else { return nil }
    return quantizer(of: node.outputs[0])
  }

  /// The nodes that make a value's bytes without its floats.
  private mutating func integer(
    _ node: Node, into output: String, _ target: ByteTarget
  ) -> [Node]? {
    guard let rules = quantizable(node), let form = rules.integerForm else { return nil }
    if let layer = rules as? any WeightedOperator {
      switch layer.arithmetic {
      case .convolution: return convolution(node, into: output, target)
      case .product where layer.biasInput == nil: return binary(form, node, into: output, target)
      case .product: return gemm(layer, node, into: output, target)
      }
    }
    guard type(of: rules).quantizationRole == .combination else { return nil }
    return form.parts.contains(.everyInput)
      ? concat(node, into: output, target) : binary(form, node, into: output, target)
  }

  private mutating func binary(
    _ form: IntegerForm, _ node: Node, into output: String, _ target: ByteTarget
  ) -> [Node]? {
    guard let a = functions[node.inputs[0]], let b = functions[node.inputs[1]],
      let ofA = a.parameters, let ofB = b.parameters
    else { return nil }
    let y = ByteTarget(parameters: target.parameters, isSigned: target.isSigned)
    return [
      Node(
        form.opType, domain: form.domain, name: node.name,
        inputs: [a.source] + new(ofA, a.isSigned) + [b.source] + new(ofB, b.isSigned)
          + new(y.parameters, y.isSigned), outputs: [output])
    ]
  }

  private mutating func concat(
    _ node: Node, into output: String, _ target: ByteTarget
  ) -> [Node]? {
    let parts = node.inputs.compactMap { functions[$0] }
    guard parts.count == node.inputs.count else { return nil }
    var joined = node
    joined.outputs = [output]
    for (place, part) in parts.enumerated() {
      let bytes = part.quantized(target)
      joined.inputs[place] = part.source
      if part.isSigned == target.isSigned, bytes.enumerated().allSatisfy({ $0 == Int($1) }) {
        continue
      }
      let name = names.value("\(output)/part\(place)")
      look(up: part, bytes, into: name, target)
      joined.inputs[place] = name
    }
    return [joined]
  }

  // MARK: Convolutions

  private func weights(_ name: String) -> LayerIntegers? {
    LayerIntegers(name, in: source, links.producer)
  }

  private mutating func operands(
    _ x: ByteFunction, _ parameters: QuantizationParameters, _ weights: LayerIntegers
  ) -> [String] {
    let zeros =
      weights.zeros
      ?? Tensor(zeros: TensorType(weights.weights.elementType, weights.scales.shape))
    return [x.source] + new(parameters, x.isSigned)
      + [new(weights.weights), new(weights.scales), new(zeros)]
  }

  private mutating func convolution(
    _ node: Node, into output: String, _ target: ByteTarget
  ) -> [Node]? {
    guard let x = functions[node.inputs[0]], let parameters = x.parameters,
      let weights = weights(node.inputs[1]), weights.weights.shape.count >= 3
    else { return nil }
    return quantized(
      node, x, parameters, weights, bias: node.inputs.count > 2 ? node.inputs[2] : "",
      into: output, target)
  }

  private mutating func quantized(
    _ node: Node, _ x: ByteFunction, _ parameters: QuantizationParameters,
    _ weights: LayerIntegers, bias: String, into output: String, _ target: ByteTarget
  ) -> [Node]? {
    var inputs =
      operands(x, parameters, weights) + new(target.parameters, target.isSigned)
    if !bias.isEmpty {
      guard let numbers = constant(bias)?.floats, numbers.count == weights.weights.shape[0] else {
        return nil
      }
      let scales = weights.scales.floats
      let whole = numbers.enumerated().map { channel, real -> Int32 in
        let unit = Double(parameters.scale) * Double(scales[scales.count == 1 ? 0 : channel])
        let steps = (Double(real) / unit).rounded(.toNearestOrEven)
        return Int32(max(min(steps, Double(Int32.max)), Double(Int32.min)))
      }
      inputs.append(new(Tensor(whole)))
    }
    return [
      Node(
        "QLinearConv", name: node.name, inputs: inputs, outputs: [output],
        attributes: node.attributes)
    ]
  }

  private mutating func dequantizedConvolution(_ node: Node) -> Node? {
    guard let x = functions[node.inputs[0]], let parameters = x.parameters,
      let weights = weights(node.inputs[1]), weights.weights.shape.count >= 3
    else { return nil }
    var inputs = operands(x, parameters, weights)
    if node.inputs.count > 2, !node.inputs[2].isEmpty {
      guard let bias = constant(node.inputs[2]), bias.elementType == .float32 else { return nil }
      inputs.append(new(bias))
    }
    return Node(
      "DequantizedConv", domain: "compress", name: node.name, inputs: inputs,
      outputs: node.outputs, attributes: node.attributes)
  }

  /// A product by constant weights as a convolution of one pixel.
  private mutating func gemm(
    _ layer: any WeightedOperator, _ node: Node, into output: String, _ target: ByteTarget
  ) -> [Node]? {
    guard let x = functions[node.inputs[0]], let parameters = x.parameters,
      var weights = weights(node.inputs[1]), let type = types[x.source], type.shape.count == 2,
      layer.arithmetic == .product(transposesA: false, transposesB: true), layer.hasPlainWeights
    else { return nil }
    weights.weights = weights.weights.reshaped(to: weights.weights.shape + [1, 1])
    var pixel = x
    pixel.source = names.value("\(output)/pixel")
    let channels = names.value("\(output)/channels")
    types[pixel.source] = TensorType(type.elementType, type.shape + [1, 1])
    var plain = node
    plain.attributes = [:]
    guard
      let product = quantized(
        plain, pixel, parameters, weights, bias: node.inputs.count > 2 ? node.inputs[2] : "",
        into: channels, target)
    else { return nil }
    let shape = [type.shape[0], weights.weights.shape[0]]
    func reshape(_ input: String, _ output: String, _ shape: [Int]) -> Node {
      Node(
        "Reshape", inputs: [input, new(Tensor(shape.map(Int64.init)))], outputs: [output])
    }
    return [reshape(x.source, pixel.source, type.shape + [1, 1])] + product
      + [reshape(channels, output, shape)]
  }

  // MARK: Constants

  private mutating func new(_ tensor: Tensor) -> String {
    constantCount += 1
    let name = names.value("integers/\(constantCount)")
    result.initializers[name] = Initializer(tensor)
    return name
  }

  private mutating func new(_ parameters: QuantizationParameters, _ isSigned: Bool) -> [String] {
    let zero =
      isSigned
      ? Tensor(scalar: Int8(truncatingIfNeeded: parameters.zeroPoint))
      : Tensor(scalar: UInt8(truncatingIfNeeded: parameters.zeroPoint))
    return [new(Tensor(scalar: parameters.scale)), new(zero)]
  }
}
