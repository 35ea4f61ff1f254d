/// Why a detector's head cannot be trained with labels, or be given other classes.
public enum RawHeadError: Error, Equatable, CustomStringConvertible {
  case noLoss(family: String)
  case shapes(family: String, expected: String, found: [String])
  case fixedClasses(family: String, reason: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .noLoss(let family): "there is no loss for heads of the family \(family)"
    case .fixedClasses(let family, let reason):
      "the classes of this \(family) head cannot be replaced: \(reason)"
    case .shapes(let family, let expected, let found):
      "a \(family) head has \(expected), found \(found.joined(separator: ", "))"
    }
  }
}
