import Tensors

/// The value of a node's attribute, one case for each kind ONNX knows.
public indirect enum AttributeValue: Sendable {
  case int(Int)
  case float(Float)
  /// Bytes, UTF-8 by convention.
  case string([UInt8])
  case tensor(Tensor)
  case sparseTensor(SparseTensor)
  case graph(Graph)
  case type(ValueType)
  case ints([Int])
  case floats([Float])
  case strings([[UInt8]])
  case tensors([Tensor])
  case sparseTensors([SparseTensor])
  case graphs([Graph])
  case types([ValueType])
  /// Inside a function body: the value of the calling node's attribute of that name.
  case reference(name: String, kind: Int)

  /// The kind's name as ONNX spells it.
  public var kindName: String {
    switch self {
    case .int: "INT"
    case .float: "FLOAT"
    case .string: "STRING"
    case .tensor: "TENSOR"
    case .sparseTensor: "SPARSE_TENSOR"
    case .graph: "GRAPH"
    case .type: "TYPE_PROTO"
    case .ints: "INTS"
    case .floats: "FLOATS"
    case .strings: "STRINGS"
    case .tensors: "TENSORS"
    case .sparseTensors: "SPARSE_TENSORS"
    case .graphs: "GRAPHS"
    case .types: "TYPE_PROTOS"
    case .reference: "REFERENCE"
    }
  }

  /// A string attribute from text.
  public static func string(_ text: String) -> AttributeValue { .string(Array(text.utf8)) }
}

extension AttributeValue: Equatable {
  /// Whether kind and value agree.
  ///
  /// As in tensors, a NaN equals the NaN of the same bits, and 0 differs from −0.
  public static func == (lhs: AttributeValue, rhs: AttributeValue) -> Bool {
    switch (lhs, rhs) {
    case (.int(let a), .int(let b)): a == b
    case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern
    case (.string(let a), .string(let b)): a == b
    case (.tensor(let a), .tensor(let b)): a == b
    case (.sparseTensor(let a), .sparseTensor(let b)): a == b
    case (.graph(let a), .graph(let b)): a == b
    case (.type(let a), .type(let b)): a == b
    case (.ints(let a), .ints(let b)): a == b
    case (.floats(let a), .floats(let b)): a.map(\.bitPattern) == b.map(\.bitPattern)
    case (.strings(let a), .strings(let b)): a == b
    case (.tensors(let a), .tensors(let b)): a == b
    case (.sparseTensors(let a), .sparseTensors(let b)): a == b
    case (.graphs(let a), .graphs(let b)): a == b
    case (.types(let a), .types(let b)): a == b
    case (.reference(let a, let kind), .reference(let b, let other)): a == b && kind == other
    default: false
    }
  }
}

/// A tensor given by its nonzero elements.
public struct SparseTensor: Sendable, Equatable {
  /// The extents of the dense tensor.
  public var shape: [Int]
  /// The nonzero elements `[NNZ]`.
  public var values: Tensor
  /// Their indices: linear `[NNZ]` or by axis `[NNZ, rank]`, int64, ascending.
  public var indices: Tensor

  /// A tensor of `shape` with `values` at `indices`.
  public init(shape: [Int], values: Tensor, indices: Tensor) {
    self.shape = shape
    self.values = values
    self.indices = indices
  }
}
