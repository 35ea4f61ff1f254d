import GraphIR
import Operators
import Tensors

/// A QDQ network in operators on integers: `QLinearConv`, `QLinearMatMul` and ONNX Runtime's
/// `QLinearAdd`, `QLinearMul`, `QLinearConcat`, `QLinearSigmoid`, `QLinearLeakyRelu`,
/// `QLinearAveragePool`, `QLinearGlobalAveragePool` and `QGemm`.
///
/// Layout operators rearrange integers. A clamp between a layer and its rounding is dropped where
/// the integers' range ends where it does. Where there is no such operator, `DequantizeLinear` and
/// `QuantizeLinear` stay around the float one.
public struct OperatorForm: Sendable {
  /// The network.
  public private(set) var graph: Graph
  private let source: Graph
  private let registry: OperatorRegistry
  private let links: Connectivity
  private var made: [Node] = []

  /// The operator form of a QDQ network.
  ///
  /// - Parameter registry: The known operators.
  public init(_ source: Graph, registry: OperatorRegistry) {
    (self.source, self.registry) = (source, registry)
    links = Connectivity(source)
    graph = source
    for node in source.nodes {
      if node.qualifiedType == "QuantizeLinear", let nodes = integer(node) {
        made += nodes
      } else {
        made.append(node)
      }
    }
    graph.nodes = made
    graph.removeDeadNodes()
    if graph.nodes.contains(where: { $0.domain == Self.microsoft }) {
      graph.properties.opsets[Self.microsoft] = 1
    }
  }

  private static let microsoft = "com.microsoft"

  /// A dequantised value: its integers, scale and zero point.
  private func quantized(_ value: String) -> [String]? {
    guard let index = links.producer[value] else { return nil }
    let node = source.nodes[index]
    guard node.qualifiedType == "DequantizeLinear", node.inputs.count == 3,
      (try? node.attributes.int("block_size", default: 0)) == 0
    else { return nil }
    return node.inputs
  }

  /// The nodes that make the integers of a `QuantizeLinear` without floats; `nil` where there are
  /// none.
  private func integer(_ rounding: Node) -> [Node]? {
    guard rounding.inputs.count == 3, let node = unclamped(rounding),
      let rules = rules(of: node)
    else { return nil }
    if type(of: rules).quantizationRole == .layout { return move(node, rules, rounding) }
    guard let form = rules.integerForm,
      let inputs = operands(form, rules, node, output: Array(rounding.inputs[1...]))
    else { return nil }
    let attributes =
      form.attributes.map { names in
        Attributes(names.compactMap { name in node.attributes[name].map { (name, $0) } })
      } ?? node.attributes
    return [
      Node(
        form.opType, domain: form.domain, name: node.name, inputs: inputs,
        outputs: rounding.outputs, attributes: attributes)
    ]
  }

  private func rules(of node: Node) -> (any QuantizableOperator)? {
    (try? registry.makeOperator(for: node, in: source))
      as? any QuantizableOperator
  }

  /// The inputs of an operator on integers; `nil` where the network does not hold one of them as
  /// integers.
  private func operands(
    _ form: IntegerForm, _ rules: any QuantizableOperator, _ node: Node, output: [String]
  ) -> [String]? {
    let operands = node.inputs.map { $0.isEmpty ? nil : quantized($0) }
    var inputs: [String] = []
    for part in form.parts {
      switch part {
      case .input(let slot):
        guard operands.indices.contains(slot), let operand = operands[slot] else { return nil }
        inputs += operand
      case .everyInput:
        guard operands.allSatisfy({ $0 != nil }) else { return nil }
        inputs += operands.compactMap { $0 }.flatMap { $0 }
      case .bias(let slot):
        guard let bias = bias(slot, node, rules, operands) else { return nil }
        inputs.append(bias)
      case .output: inputs += output
      }
    }
    while inputs.last?.isEmpty == true { inputs.removeLast() }
    return inputs
  }

  /// The integers of a layer's bias in the units that its form takes them for, `α sₓ s_w`; empty
  /// where there are none.
  private func bias(
    _ slot: Int, _ node: Node, _ rules: any QuantizableOperator, _ operands: [[String]?]
  ) -> String? {
    guard node.inputs.count > slot, !node.inputs[slot].isEmpty else { return "" }
    guard let factors = (rules as? any WeightedOperator)?.factors, factors.bias == 1,
      let x = operands[0], let w = operands[1], let bias = operands[slot],
      source[constant: bias[0]]?.elementType == .int32,
      let units = source[constant: bias[1]]?.floats, let left = source[constant: x[1]]?.floats,
      let right = source[constant: w[1]]?.floats, left.count == 1, units.count == right.count
    else { return nil }
    let isRight = zip(units, right).allSatisfy {
      abs($0 - factors.product * left[0] * $1) <= 1e-5 * abs($0)
    }
    return isRight ? bias[0] : nil
  }

  /// What a rounding rounds, past clamps that rounding makes anyway; `nil` where somebody else
  /// reads it.
  private func unclamped(_ rounding: Node) -> Node? {
    var value = rounding.inputs[0]
    while links.soleConsumer(of: value) != nil, let index = links.producer[value] {
      let node = source.nodes[index]
      guard registry.quantizationRole(of: node) == .clamp else { return node }
      guard isImplied(node, rounding) else { return nil }
      value = node.inputs[0]
    }
    return nil
  }

  /// Whether all that the integers can be lies within a clamp.
  private func isImplied(_ clamp: Node, _ rounding: Node) -> Bool {
    guard let scale = source[constant: rounding.inputs[1]], scale.count == 1,
      let zeros = source[constant: rounding.inputs[2]],
      let range = zeros.elementType.quantizedRange,
      let bounds = (rules(of: clamp) as? any ClampOperator)?.bounds(
        clamp, constant: { source[constant: $0] })
    else { return false }
    let parameters = QuantizationParameters(
      scale: scale.floats[0], zeroPoint: Int32(zeros.integers[0]))
    let slack = parameters.scale / 2
    return parameters.float(range.lowerBound) >= bounds.lowerBound - slack
      && parameters.float(range.upperBound) <= bounds.upperBound + slack
  }

  /// Moves integers where scale and zero point stay what they are.
  private func move(
    _ node: Node, _ rules: any QuantizableOperator, _ rounding: Node
  ) -> [Node]? {
    guard let x = quantized(node.inputs[0]), node.outputs.count == 1,
      rules.elementMotion != .mixed, isSame(x[1], rounding.inputs[1]),
      isSame(x[2], rounding.inputs[2])
    else { return nil }
    var moved = node
    moved.inputs[0] = x[0]
    moved.outputs = rounding.outputs
    return [moved]
  }

  private func isSame(_ a: String, _ b: String) -> Bool {
    guard let first = source[constant: a], let second = source[constant: b] else { return false }
    return first == second
  }
}
