/// An operator with inputs that training moves when they are constant.
public protocol ParameterizedOperator: Operator {
  /// The inputs and what they do.
  var parameterSlots: [ParameterSlot] { get }
}

/// One input of a ``ParameterizedOperator`` that training may move.
public struct ParameterSlot: Sendable, Equatable {
  /// What a parameter does, which decides on its weight decay.
  public enum Role: String, Sendable, Codable {
    /// A kernel or matrix; decays.
    case weight
    /// Is added; does not decay.
    case bias
    /// Scale or shift of a normalisation, or the step of fake quantisation; does not decay.
    case normalisation
  }

  /// The index among the node's inputs.
  public var input: Int
  /// What it does.
  public var role: Role

  /// A parameter of the given role.
  public init(input: Int, role: Role) { (self.input, self.role) = (input, role) }
}
