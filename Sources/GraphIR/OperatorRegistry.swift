/// The operators that are known, by domain and name.
public struct OperatorRegistry: Sendable {
  private struct Key: Hashable {
    var domain: String
    var opType: String
  }

  private let types: [Key: any Operator.Type]
  /// All operators, in the order of registration.
  public let all: [any Operator.Type]

  /// A registry of the given operators.
  ///
  /// - Precondition: no two have the same domain and name.
  public init(_ operators: [any Operator.Type]) {
    all = operators
    types = Dictionary(
      uniqueKeysWithValues: operators.map { (Key(domain: $0.domain, opType: $0.opType), $0) })
  }

  /// The registry with further operators; those of a domain and name that it knows are left out.
  public func adding(_ operators: [any Operator.Type]) -> OperatorRegistry {
    OperatorRegistry(
      all + operators.filter { types[Key(domain: $0.domain, opType: $0.opType)] == nil })
  }

  /// Whether a node's operator is known.
  public func knows(_ node: Node) -> Bool { type(of: node) != nil }

  /// The type of a node's operator; `nil` when it is not known.
  public func type(of node: Node) -> (any Operator.Type)? {
    types[Key(domain: node.domain, opType: node.opType)]
  }

  /// The operator of a node of a graph.
  ///
  /// - Throws: ``NodeError`` when the operator is unknown or an attribute is wrong.
  public func makeOperator(for node: Node, in graph: Graph) throws -> any Operator {
    guard let type = type(of: node) else {
      throw NodeError(
        node: node.label, underlying: UnknownOperator(qualifiedType: node.qualifiedType))
    }
    let opset = graph.properties.opsets[node.domain] ?? 1
    do {
      if let counted = type as? any OutputCountedOperator.Type {
        return try counted.init(
          attributes: node.attributes, opset: opset, outputCount: node.outputs.count)
      }
      return try type.init(attributes: node.attributes, opset: opset)
    } catch {
      throw NodeError(node: node.label, underlying: error)
    }
  }
}

/// An operator that no rule is registered for.
public struct UnknownOperator: Error, Equatable, CustomStringConvertible {
  /// The operator with its domain.
  public var qualifiedType: String

  /// A sentence for the user.
  public var description: String {
    "operator '\(qualifiedType)' is not known; it is carried through files but cannot be executed"
  }
}

/// An error with the node at which it arose.
public struct NodeError: Error, CustomStringConvertible {
  /// The node's label.
  public var node: String
  /// What went wrong there.
  public var underlying: any Error

  /// An error at a node.
  public init(node: String, underlying: any Error) {
    self.node = node
    self.underlying = underlying
  }

  /// A sentence for the user.
  public var description: String { "\(node): \(underlying)" }
}
