/// One use of an operator: which values it reads, which it makes, with which attributes.
public struct Node: Sendable, Equatable {
  /// The node's name.
  ///
  /// It may be empty and need not be unique.
  public var name: String
  /// The operator, for example `Conv`.
  public var opType: String
  /// The operator's domain; `""` is ONNX's own.
  public var domain: String
  /// The function overload; `""` unless a local function is called.
  public var overload: String
  /// Names of the values read; `""` stands for an omitted optional one.
  public var inputs: [String]
  /// Names of the values made; `""` stands for an output that is not used.
  public var outputs: [String]
  /// The attributes.
  public var attributes: Attributes
  /// The file's comment.
  public var documentation: String
  /// Fields of the file format that the graph does not model, carried through unchanged.
  public var carried: [UInt8]

  /// A node of the given operator.
  public init(
    _ opType: String, domain: String = "", name: String = "", inputs: [String],
    outputs: [String], attributes: Attributes = [:], overload: String = "",
    documentation: String = "", carried: [UInt8] = []
  ) {
    self.name = name
    self.opType = opType
    self.domain = domain == "ai.onnx" ? "" : domain
    self.overload = overload
    self.inputs = inputs
    self.outputs = outputs
    self.attributes = attributes
    self.documentation = documentation
    self.carried = carried
  }

  /// Sets an input; inputs before it that the node does not have yet are omitted ones.
  public mutating func setInput(_ slot: Int, to name: String) {
    while inputs.count <= slot { inputs.append("") }
    inputs[slot] = name
  }

  /// What messages call the node: its name, or its operator and first output.
  public var label: String {
    if !name.isEmpty { return "\(opType) '\(name)'" }
    return "\(opType) → '\(outputs.first { !$0.isEmpty } ?? "")'"
  }

  /// The operator with its domain, for example `com.microsoft.FusedConv`.
  public var qualifiedType: String { domain.isEmpty ? opType : "\(domain).\(opType)" }
}
