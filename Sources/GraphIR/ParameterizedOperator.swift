/// An operator with inputs that are trained when they are constant.
public protocol ParameterizedOperator: FiniteOperandsOperator {
  /// The inputs and their roles.
  var parameterSlots: [ParameterSlot] { get }
}

/// One input of a ``ParameterizedOperator`` that may be trained.
public struct ParameterSlot: Sendable, Equatable {
  /// The role of a parameter, which decides whether it has weight decay.
  public enum Role: String, Sendable, Codable {
    /// A kernel or matrix; has weight decay.
    case weight
    /// A bias; has no weight decay.
    case bias
    /// Scale or shift of a normalisation, or the step of fake quantisation; has no weight decay.
    case normalisation
  }

  /// The index among the node's inputs.
  public var input: Int
  /// Its role.
  public var role: Role

  /// A parameter of the given role.
  public init(input: Int, role: Role) { (self.input, self.role) = (input, role) }
}
