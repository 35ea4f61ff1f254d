import OrderedCollections
import Tensors

/// The attributes of a node in the order of its file, with typed access.
public struct Attributes: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  private var values: OrderedDictionary<String, AttributeValue>

  /// Attributes in the order written.
  public init(dictionaryLiteral elements: (String, AttributeValue)...) {
    values = OrderedDictionary(uniqueKeysWithValues: elements)
  }

  /// Attributes in the given order; where two have the same name, the last counts.
  public init(_ elements: some Sequence<(String, AttributeValue)>) {
    values = OrderedDictionary(elements, uniquingKeysWith: { $1 })
  }

  /// The value of one attribute; setting `nil` removes it.
  public subscript(name: String) -> AttributeValue? {
    get { values[name] }
    set { values[name] = newValue }
  }

  /// The names in order.
  public var names: [String] { Array(values.keys) }
  /// Names and values in order.
  public var elements: [(name: String, value: AttributeValue)] {
    values.map { (name: $0.key, value: $0.value) }
  }
  /// The subgraphs that the attributes hold, in order.
  public var graphs: [Graph] { values.values.flatMap(\.subgraphs) }
  /// Whether any attribute holds a subgraph.
  var holdGraphs: Bool { values.values.contains { !$0.subgraphs.isEmpty } }
  /// Whether there are no attributes.
  public var isEmpty: Bool { values.isEmpty }

  /// An integer, or `nil` when absent.
  ///
  /// - Throws: ``AttributeError`` when the attribute is of another kind; so do all typed accessors.
  public func int(_ name: String) throws -> Int? {
    guard let value = values[name] else { return nil }
    guard case .int(let result) = value else { throw mismatch(name, value, "INT") }
    return result
  }

  /// An integer, or a default when absent.
  public func int(_ name: String, default fallback: Int) throws -> Int {
    try int(name) ?? fallback
  }

  /// An integer that must be present.
  public func requiredInt(_ name: String) throws -> Int {
    guard let value = try int(name) else { throw AttributeError.missing(name: name) }
    return value
  }

  /// Whether an integer attribute is nonzero.
  public func flag(_ name: String, default fallback: Bool) throws -> Bool {
    try int(name).map { $0 != 0 } ?? fallback
  }

  /// A float, or `nil` when absent.
  public func float(_ name: String) throws -> Float? {
    guard let value = values[name] else { return nil }
    guard case .float(let result) = value else { throw mismatch(name, value, "FLOAT") }
    return result
  }

  /// A float, or a default when absent.
  public func float(_ name: String, default fallback: Float) throws -> Float {
    try float(name) ?? fallback
  }

  /// Text, or `nil` when absent.
  public func string(_ name: String) throws -> String? {
    guard let value = values[name] else { return nil }
    guard case .string(let bytes) = value else { throw mismatch(name, value, "STRING") }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Text, or a default when absent.
  public func string(_ name: String, default fallback: String) throws -> String {
    try string(name) ?? fallback
  }

  /// Integers, or `nil` when absent.
  public func ints(_ name: String) throws -> [Int]? {
    guard let value = values[name] else { return nil }
    guard case .ints(let result) = value else { throw mismatch(name, value, "INTS") }
    return result
  }

  /// Floats, or `nil` when absent.
  public func floats(_ name: String) throws -> [Float]? {
    guard let value = values[name] else { return nil }
    guard case .floats(let result) = value else { throw mismatch(name, value, "FLOATS") }
    return result
  }

  /// A tensor, or `nil` when absent.
  public func tensor(_ name: String) throws -> Tensor? {
    guard let value = values[name] else { return nil }
    guard case .tensor(let result) = value else { throw mismatch(name, value, "TENSOR") }
    return result
  }

  /// A graph that must be present.
  public func requiredGraph(_ name: String) throws -> Graph {
    guard let value = values[name] else { throw AttributeError.missing(name: name) }
    guard case .graph(let result) = value else { throw mismatch(name, value, "GRAPH") }
    return result
  }

  private func mismatch(
    _ name: String, _ value: AttributeValue, _ expected: String
  ) -> AttributeError {
    .wrongKind(name: name, expected: expected, found: value.kindName)
  }
}

/// What is wrong with a node's attribute.
public enum AttributeError: Error, Equatable, CustomStringConvertible {
  case missing(name: String)
  case wrongKind(name: String, expected: String, found: String)
  case invalid(name: String, reason: String)

  /// A sentence for the user.
  public var description: String {
    switch self {
    case .missing(let name): "attribute '\(name)' is missing"
    case .wrongKind(let name, let expected, let found):
      "attribute '\(name)' is of kind \(found), expected \(expected)"
    case .invalid(let name, let reason): "attribute '\(name)' \(reason)"
    }
  }
}
