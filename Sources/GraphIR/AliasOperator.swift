/// An operator whose output stands for input 0: the same values, or the values after fake
/// quantisation.
///
/// A constant that a layer reads through it is the layer's weight.
public protocol AliasOperator: Operator {
  /// Whether the output is input 0 bit for bit.
  static var isExact: Bool { get }
}

extension OperatorRegistry {
  /// The value that a node's output stands for; `nil` for all but ``AliasOperator``s.
  ///
  /// - Parameter isExact: Whether the output must be that value bit for bit.
  public func aliased(by node: Node, isExact: Bool = false) -> String? {
    guard let alias = type(of: node) as? any AliasOperator.Type, alias.isExact || !isExact else {
      return nil
    }
    return node.inputs.first
  }
}
