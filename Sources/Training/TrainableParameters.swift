/// A constant of a network that training moves.
public struct TrainableParameter: Sendable, Hashable {
  /// What a parameter does, which decides on its weight decay.
  public enum Role: String, Sendable, Codable {
    /// A kernel or matrix; decays.
    case weight
    /// Is added; does not decay.
    case bias
    /// Scale or shift of a normalisation; does not decay.
    case normalisation
  }

  /// The constant's name.
  public var name: String
  /// What it does.
  public var role: Role

  /// A parameter of the given role.
  public init(name: String, role: Role) {
    self.name = name
    self.role = role
  }
}
