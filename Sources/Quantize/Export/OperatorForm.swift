import GraphIR
import Operators
import Tensors

/// A QDQ network in operators of integers: `QLinearConv`, `QLinearMatMul` and ONNX Runtime's `QLinearAdd`, `QLinearMul`, `QLinearConcat`,
/// `QLinearSigmoid`, `QLinearLeakyRelu`, `QLinearAveragePool`, `QLinearGlobalAveragePool` and `QGemm`.
///
/// What only moves elements moves integers. A clamp between a layer and its rounding is dropped where the integers' range ends where it does.
/// Where there is no such operator, `DequantizeLinear` and `QuantizeLinear` stay around the float one.
public struct OperatorForm: Sendable {
  /// The network.
  public private(set) var graph: Graph
  private let source: Graph
  private let links: Connectivity
  private var made: [Node] = []

  /// The operator form of a QDQ network.
  public init(_ source: Graph) {
    self.source = source
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

  /// The nodes that make the integers of a `QuantizeLinear` without reals; `nil` where there are none.
  private func integer(_ rounding: Node) -> [Node]? {
    guard rounding.inputs.count == 3, let node = unclamped(rounding) else { return nil }
    let output = Array(rounding.inputs[1...])
    if QuantizationSites.movers.contains(node.opType) { return move(node, rounding) }
    let operands = node.inputs.map { $0.isEmpty ? nil : quantized($0) }
    guard node.domain.isEmpty, let first = operands.first, let x = first else { return nil }
    func single(_ opType: String, _ attributes: [String] = []) -> [Node] {
      [self.node(opType, node, x + output, rounding, keeping: attributes)]
    }
    switch node.opType {
    case "Conv":
      guard let w = operands[1] else { return nil }
      var inputs = x + w + output
      if node.inputs.count > 2, !node.inputs[2].isEmpty {
        guard let bias = operands[2], source[constant: bias[0]]?.elementType == .int32 else {
          return nil
        }
        inputs.append(bias[0])
      }
      return [self.node("QLinearConv", node, inputs, rounding, domain: "")]
    case "MatMul":
      guard let w = operands[1] else { return nil }
      return [self.node("QLinearMatMul", node, x + w + output, rounding, domain: "")]
    case "Gemm":
      guard let w = operands[1] else { return nil }
      guard let bias = bias(of: node, x, w, operands) else { return nil }
      return [
        self.node(
          "QGemm", node, x + w + [bias] + output, rounding, keeping: ["alpha", "transA", "transB"])
      ]
    case "Add", "Mul":
      guard let other = operands[1] else { return nil }
      return [self.node("QLinear\(node.opType)", node, x + other + output, rounding)]
    case "Concat":
      guard operands.allSatisfy({ $0 != nil }) else { return nil }
      let parts = operands.compactMap { $0 }.flatMap { $0 }
      return [self.node("QLinearConcat", node, output + parts, rounding, keeping: ["axis"])]
    case "Sigmoid": return single("QLinearSigmoid")
    case "LeakyRelu": return single("QLinearLeakyRelu", ["alpha"])
    case "GlobalAveragePool": return single("QLinearGlobalAveragePool")
    case "AveragePool":
      return single(
        "QLinearAveragePool",
        ["auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"])
    default: return nil
    }
  }

  /// The integers of a product's bias in the units that `QGemm` takes them for, `α sₐ s_b`; empty
  /// where there are none.
  private func bias(
    of node: Node, _ a: [String], _ b: [String], _ operands: [[String]?]
  ) -> String? {
    guard node.inputs.count > 2, !node.inputs[2].isEmpty else { return "" }
    guard (try? node.attributes.float("beta", default: 1)) == 1,
      let alpha = try? node.attributes.float("alpha", default: 1), let bias = operands[2],
      source[constant: bias[0]]?.elementType == .int32,
      let units = source[constant: bias[1]]?.floats, let left = source[constant: a[1]]?.floats,
      let right = source[constant: b[1]]?.floats, left.count == 1, units.count == right.count
    else { return nil }
    let isRight = zip(units, right).allSatisfy {
      abs($0 - alpha * left[0] * $1) <= 1e-5 * abs($0)
    }
    return isRight ? bias[0] : nil
  }

  private func node(
    _ opType: String, _ node: Node, _ inputs: [String], _ rounding: Node,
    domain: String = OperatorForm.microsoft, keeping kept: [String]? = []
  ) -> Node {
    var attributes = node.attributes
    if domain == Self.microsoft {
      attributes = [:]
      for name in kept ?? [] where node.attributes[name] != nil {
        attributes[name] = node.attributes[name]
      }
    }
    return Node(
      opType, domain: domain, name: node.name, inputs: inputs, outputs: rounding.outputs,
      attributes: attributes)
  }

  /// What a rounding rounds, past clamps that rounding makes anyway; `nil` where somebody else reads it.
  private func unclamped(_ rounding: Node) -> Node? {
    var value = rounding.inputs[0]
    while links.soleConsumer(of: value) != nil, let index = links.producer[value] {
      let node = source.nodes[index]
      guard QuantizationSites.clamps.contains(node.opType) else { return node }
      guard isImplied(node, rounding) else { return nil }
      value = node.inputs[0]
    }
    return nil
  }

  /// Whether all that the integers can be lies within a clamp.
  private func isImplied(_ clamp: Node, _ rounding: Node) -> Bool {
    guard let scale = source[constant: rounding.inputs[1]], scale.count == 1,
      let zeros = source[constant: rounding.inputs[2]],
      let range = zeros.elementType.quantizedRange
    else { return false }
    let parameters = QuantizationParameters(
      scale: scale.floats[0], zeroPoint: Int32(zeros.integers[0]))
    var bounds = (lowest: Float(0), highest: Float.infinity)
    if clamp.opType == "Clip" {
      func bound(_ slot: Int, _ otherwise: Float) -> Float? {
        guard clamp.inputs.count > slot, !clamp.inputs[slot].isEmpty else { return otherwise }
        return source[constant: clamp.inputs[slot]]?.floats.first
      }
      guard let low = bound(1, -.infinity), let high = bound(2, .infinity) else { return false }
      bounds = (low, high)
    }
    let slack = parameters.scale / 2
    return parameters.real(range.lowerBound) >= bounds.lowest - slack
      && parameters.real(range.upperBound) <= bounds.highest + slack
  }

  /// Moves integers where scale and zero point stay what they are.
  private func move(_ node: Node, _ rounding: Node) -> [Node]? {
    guard let x = quantized(node.inputs[0]), node.outputs.count == 1,
      node.opType != "Resize"
        || (try? node.attributes.string("mode", default: "nearest")) == "nearest",
      isSame(x[1], rounding.inputs[1]), isSame(x[2], rounding.inputs[2])
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
