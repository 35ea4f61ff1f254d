import OrderedCollections
import Tensors

/// A model: nodes in topological order, the constants they read, inputs and outputs.
///
/// Values are known by name, as in ONNX. Each is defined once, by a graph input, an initializer or
/// a node's output. ``verify()`` checks this and the order.
public struct Graph: Sendable, Equatable {
  /// The graph's name.
  public var name: String
  /// Nodes; each comes after the nodes whose outputs it reads.
  public var nodes: [Node]
  /// What a caller feeds.
  ///
  /// An input with the name of an initializer has that as its default.
  public var inputs: [ValueInfo]
  /// What a caller gets.
  public var outputs: [ValueInfo]
  /// Constants by value name, in the order of the file.
  public var initializers: OrderedDictionary<String, Initializer>
  /// What the file declares of intermediate values, in its order.
  public var valueTypes: OrderedDictionary<String, ValueInfo>
  /// The file's comment.
  public var documentation: String
  /// What concerns the model as a whole; subgraphs leave it at its default.
  public var properties: ModelProperties
  /// Fields of the file format that the graph does not model, carried through unchanged.
  public var carried: [UInt8]

  /// A graph of the given parts.
  public init(
    name: String = "graph", nodes: [Node] = [], inputs: [ValueInfo] = [],
    outputs: [ValueInfo] = [], initializers: OrderedDictionary<String, Initializer> = [:],
    valueTypes: OrderedDictionary<String, ValueInfo> = [:], documentation: String = "",
    properties: ModelProperties = ModelProperties(), carried: [UInt8] = []
  ) {
    self.name = name
    self.nodes = nodes
    self.inputs = inputs
    self.outputs = outputs
    self.initializers = initializers
    self.valueTypes = valueTypes
    self.documentation = documentation
    self.properties = properties
    self.carried = carried
  }

  /// The value of a constant, `nil` when `name` is not an initializer.
  public subscript(constant name: String) -> Tensor? {
    get { initializers[name]?.tensor }
    set {
      guard let newValue else {
        initializers[name] = nil
        return
      }
      initializers[name, default: Initializer(newValue)].tensor = newValue
    }
  }

  /// The inputs a caller must feed: those without a default among the initializers.
  public var requiredInputs: [ValueInfo] { inputs.filter { initializers[$0.name] == nil } }

  /// The version of ONNX's own operator set the nodes are written in.
  public var opset: Int { properties.opsets[""] ?? 1 }
}

/// What a model file says beyond its graph.
public struct ModelProperties: Sendable, Equatable {
  /// The version of the file format (ONNX `ir_version`).
  public var irVersion: Int
  /// The operator set version of each domain; `""` is ONNX's own.
  public var opsets: OrderedDictionary<String, Int>
  /// The tool that wrote the file.
  public var producerName: String
  /// That tool's version.
  public var producerVersion: String
  /// The model's namespace.
  public var domain: String
  /// The model's own version.
  public var modelVersion: Int
  /// The model's comment.
  public var documentation: String
  /// Free key–value pairs (ONNX `metadata_props`), in order.
  public var metadata: OrderedDictionary<String, String>
  /// Functions the nodes may call.
  public var functions: [Function]
  /// Fields of the file format that the graph does not model, carried through unchanged.
  public var carried: [UInt8]

  /// Properties of a new model.
  public init(
    irVersion: Int = 8, opsets: OrderedDictionary<String, Int> = ["": 17],
    producerName: String = "", producerVersion: String = "", domain: String = "",
    modelVersion: Int = 0, documentation: String = "",
    metadata: OrderedDictionary<String, String> = [:], functions: [Function] = [],
    carried: [UInt8] = []
  ) {
    self.irVersion = irVersion
    self.opsets = opsets
    self.producerName = producerName
    self.producerVersion = producerVersion
    self.domain = domain
    self.modelVersion = modelVersion
    self.documentation = documentation
    self.metadata = metadata
    self.functions = functions
    self.carried = carried
  }
}

/// A model-local function: an operator defined by nodes.
public struct Function: Sendable, Equatable {
  /// The operator it defines.
  public var name: String
  /// The domain of that operator.
  public var domain: String
  /// The nodes, their inputs and outputs, carried whole.
  public var definition: [UInt8]

  /// The function `domain.name`, defined by a serialised ONNX `FunctionProto`.
  public init(name: String, domain: String, definition: [UInt8]) {
    self.name = name
    self.domain = domain
    self.definition = definition
  }
}
