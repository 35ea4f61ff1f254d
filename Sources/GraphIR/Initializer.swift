import Tensors

/// A constant of the graph: a weight, a shape, a table.
public struct Initializer: Sendable, Equatable {
  /// How a file stores the constant.
  public enum Encoding: String, Sendable {
    case dense
    /// As nonzero values and their indices.
    case sparse
    /// In a file beside the model.
    case external
  }

  /// The dense value.
  public var tensor: Tensor
  /// How the file stores it.
  public var encoding: Encoding
  /// The file's comment.
  public var documentation: String
  /// Fields of the file format that the graph does not model, carried through unchanged.
  public var carried: [UInt8]

  /// A constant with the given value.
  public init(
    _ tensor: Tensor, encoding: Encoding = .dense, documentation: String = "",
    carried: [UInt8] = []
  ) {
    self.tensor = tensor
    self.encoding = encoding
    self.documentation = documentation
    self.carried = carried
  }
}
