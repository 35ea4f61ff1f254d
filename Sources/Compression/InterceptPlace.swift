import GraphIR
import Tensors

/// Where a graph stores the constant that is added to a layer's response.
public enum InterceptPlace: Sendable, Equatable {
  /// The node's own bias, a constant that no other node reads.
  case bias(String)
  /// A layer without a bias, to which one can be added at an input.
  case missing(node: Int, input: Int)
  /// The running mean of the batch normalisation that is the only reader of the response.
  case runningMean(String)
  /// The constant of the addition behind a matrix product.
  case addition(String)

  /// Finds the place; `nil` where there is none.
  ///
  /// - Parameters:
  ///   - rules: The layer's rules, which name the input of the bias.
  ///   - outputs: The layer's output channels.
  ///   - operands: What is known of the graph's values.
  public init?(
    behind node: Int, _ rules: any WeightedOperator, of graph: Graph, outputs: Int,
    operands: [String: Operand], links: Connectivity
  ) {
    let layer = graph.nodes[node]
    func own(_ name: String) -> Bool {
      operands[name]?.constant?.count == outputs
        && operands[name]?.constant?.numbers(along: 1, count: outputs) != nil
        && links.consumers[name]?.count == 1
        && (graph.initializers[name] != nil
          || graph.nodes[links.producer[name] ?? node].constantTensor != nil)
    }
    if let slot = rules.biasInput, layer.inputs.count > slot, !layer.inputs[slot].isEmpty {
      guard own(layer.inputs[slot]) else { return nil }
      self = .bias(layer.inputs[slot])
      return
    }
    if let next = links.soleConsumer(of: layer.outputs[0]) {
      let reader = graph.nodes[next]
      if reader.qualifiedType == "BatchNormalization", reader.inputs.count == 5,
        own(reader.inputs[3])
      {
        self = .runningMean(reader.inputs[3])
        return
      }
      if rules.biasInput == nil, reader.qualifiedType == "Add",
        let other = reader.inputs.first(where: { $0 != layer.outputs[0] }), own(other),
        operands[other]?.shape.last == outputs
      {
        self = .addition(other)
        return
      }
    }
    guard let slot = rules.biasInput else { return nil }
    self = .missing(node: node, input: slot)
  }

  /// The constant that holds a fitted intercept, with its new value; `nil` for
  /// ``missing(node:input:)``.
  ///
  /// - Parameters:
  ///   - intercept: The constant that least squares adds to the responses of new weights,
  ///     `[outputs]`. It was fitted to responses that include the node's bias, but neither the
  ///     normalisation's mean nor the addition.
  ///   - constant: The current values of constants.
  public func updated(
    _ intercept: [Float], constant: (String) -> Tensor?
  ) -> (name: String, value: Tensor)? {
    func made(_ name: String, _ combine: (Float, Float) -> Float) -> (String, Tensor)? {
      constant(name).map { old in
        (name, Tensor(zip(old.floats, intercept).map(combine), shape: old.shape))
      }
    }
    return switch self {
    case .bias(let name): made(name) { $1 }
    case .runningMean(let name): made(name) { $0 - $1 }
    case .addition(let name): made(name) { $0 + $1 }
    case .missing: nil
    }
  }

  /// Replaces the constant by a fitted intercept, and adds a bias where there was none.
  public func set(_ intercept: [Float], in graph: inout Graph, operands: [String: Operand]) {
    if let (name, value) = updated(
      intercept, constant: { graph[constant: $0] ?? operands[$0]?.constant })
    {
      graph.setConstant(name, value)
    } else if case .missing(let node, let input) = self {
      let name = graph.freshName("\(graph.nodes[node].outputs[0])/bias")
      graph[constant: name] = Tensor(intercept)
      graph.nodes[node].setInput(input, to: name)
    }
  }
}
