import Tensors

/// One extent of a declared shape.
public enum Dimension: Hashable, Sendable, CustomStringConvertible {
  case fixed(Int)
  /// A named extent that is known only when the model runs; equal names are equal extents.
  case symbolic(String)
  case unknown

  /// The number, the name or `?`.
  public var description: String {
    switch self {
    case .fixed(let extent): "\(extent)"
    case .symbolic(let name): name
    case .unknown: "?"
    }
  }

  /// The extent, when fixed.
  public var extent: Int? { if case .fixed(let extent) = self { extent } else { nil } }
}

/// The type a file declares for a value.
public enum ValueType: Hashable, Sendable, CustomStringConvertible {
  /// A tensor; `shape` is `nil` when even the rank is unknown.
  case tensor(ElementType, shape: [Dimension]?)
  /// A sequence, map, optional or sparse tensor, as the serialised ONNX `TypeProto`.
  case opaque([UInt8])
  /// Nothing is declared.
  case undeclared

  /// The declared type of a tensor of concrete shape.
  public init(_ type: TensorType) {
    self = .tensor(type.elementType, shape: type.shape.map { .fixed($0) })
  }

  /// The concrete type, when every extent is fixed and the size is that of a value.
  public var concrete: TensorType? {
    guard case .tensor(let elementType, let shape?) = self else { return nil }
    let extents = shape.compactMap(\.extent)
    return extents.count == shape.count ? try? TensorType(checking: elementType, extents) : nil
  }

  /// For example `float32[N,3,320,320]`.
  public var description: String {
    switch self {
    case .tensor(let element, let shape?):
      "\(element.rawValue)[\(shape.map(\.description).joined(separator: ","))]"
    case .tensor(let element, nil): "\(element.rawValue)[…]"
    case .opaque: "opaque"
    case .undeclared: "undeclared"
    }
  }
}

/// The name and declared type of a graph input, output or intermediate value.
public struct ValueInfo: Sendable, Equatable {
  /// The value's name, unique in its graph.
  public var name: String
  /// What the file says of its type.
  public var type: ValueType
  /// The file's comment.
  public var documentation: String
  /// Fields of the file format that the graph does not model, carried through unchanged.
  public var carried: [UInt8]

  /// A value of the given name and type.
  public init(
    name: String, type: ValueType, documentation: String = "", carried: [UInt8] = []
  ) {
    self.name = name
    self.type = type
    self.documentation = documentation
    self.carried = carried
  }
}
