import Tensors

/// An operator with a derivative, given as the nodes that carry gradients from its outputs to its
/// inputs.
public protocol DifferentiableOperator: Operator {
  /// Appends the nodes that multiply the gradients of the outputs by the transposed Jacobian.
  ///
  /// - Returns: For each input, as far as the list goes, the value that holds its gradient; `nil`
  ///   where the derivative is zero wherever it exists, or where it is not wanted.
  /// - Throws: ``OperatorError`` when this use of the operator has no derivative.
  func differentiate(_ derivation: inout Derivation) throws -> [String?]
}

/// One node being differentiated: what is known of it, and the nodes its rule appends.
public struct Derivation {
  /// The node.
  public let node: Node
  /// What is known of each input; `nil` for an omitted optional one.
  public let inputs: [Operand?]
  /// The type of each output.
  public let outputs: [TensorType]
  /// The value that holds the gradient of each output; `nil` when no output of the graph depends on
  /// it.
  public let gradients: [String?]
  /// Whether the gradient of each input is asked for.
  public let wanted: [Bool]
  /// The version of ONNX's own operator set that appended nodes are written in.
  public let opset: Int
  /// The nodes that the rule appended, in order.
  public private(set) var nodes: [Node] = []
  /// The constants that the rule made.
  public private(set) var constants: [String: Tensor] = [:]
  private let prefix: String

  /// The derivation of a node; names of new values start with `prefix`.
  public init(
    node: Node, inputs: [Operand?], outputs: [TensorType], gradients: [String?], wanted: [Bool],
    opset: Int, prefix: String
  ) {
    self.node = node
    self.inputs = inputs
    self.outputs = outputs
    self.gradients = gradients
    self.wanted = wanted
    self.opset = opset
    self.prefix = prefix
  }

  /// The name of an input's value.
  public func input(_ index: Int) -> String { node.inputs[index] }

  /// The name of an output's value.
  public func output(_ index: Int) -> String { node.outputs[index] }

  /// Whether the gradient of an input is asked for.
  public func wants(_ index: Int) -> Bool { wanted.indices.contains(index) && wanted[index] }

  /// The type of an input.
  ///
  /// - Throws: ``OperatorError/inputCount(expected:found:)`` when it is missing.
  public func type(_ index: Int) throws -> TensorType {
    guard inputs.indices.contains(index), let operand = inputs[index] else {
      throw OperatorError.inputCount(expected: "at least \(index + 1)", found: inputs.count)
    }
    return operand.type
  }

  /// The gradient of an output; zeros when no output of the graph depends on it.
  public mutating func gradient(_ index: Int = 0) -> String {
    gradients[index] ?? constant(Tensor(zeros: outputs[index]))
  }

  /// Appends a node with one output and returns the output's name.
  public mutating func callAsFunction(
    _ opType: String, domain: String = "", _ inputs: String..., attributes: Attributes = [:]
  ) -> String {
    append(opType, domain: domain, inputs, outputs: 1, attributes: attributes)[0]
  }

  /// Appends a node and returns its outputs.
  public mutating func append(
    _ opType: String, domain: String = "", _ inputs: [String], outputs: Int,
    attributes: Attributes = [:]
  ) -> [String] {
    let names = (0..<outputs).map { "\(prefix)/\(nodes.count)/\($0)" }
    nodes.append(
      Node(
        opType, domain: domain, name: "\(prefix)/\(nodes.count)", inputs: inputs, outputs: names,
        attributes: attributes))
    return names
  }

  /// A constant of the graph.
  public mutating func constant(_ tensor: Tensor) -> String {
    let name = "\(prefix)/c\(constants.count)"
    constants[name] = tensor
    return name
  }

  /// A float as a constant.
  public mutating func constant(_ value: Float) -> String { constant(Tensor(scalar: value)) }
}

/// A derivative that is wanted and that no rule gives.
public struct NotDifferentiable: Error, Equatable, CustomStringConvertible {
  /// The operator with its domain.
  public var qualifiedType: String

  /// An operator without a rule.
  public init(qualifiedType: String) { self.qualifiedType = qualifiedType }

  /// A sentence for the user.
  public var description: String {
    "operator '\(qualifiedType)' has no derivative, but a trained weight reaches the loss through it"
  }
}
