/// An operator between floats and integers, or on integers, which quantised networks have.
///
/// A network with such an operator counts as quantised, see ``Graph/isQuantized(_:)``.
public protocol IntegerOperator: FiniteOperandsOperator {
  /// What the operator does with integers.
  static var integerRole: IntegerRole { get }
}

/// What an ``IntegerOperator`` does with integers.
public enum IntegerRole: Sendable, Equatable, CaseIterable {
  /// Rounds floats to integers on a grid that the file gives.
  case quantizer
  /// Rounds floats to integers on a grid that their own range gives.
  case dynamicQuantizer
  /// Makes floats of integers.
  case dequantizer
  /// Multiplies integers by integer weights, and rounds the sums to integers of the same width.
  case layer
  /// Multiplies integers by integer weights, and returns the sums.
  case exactLayer
  /// Computes anything else on integers, and rounds the results.
  case function
  /// Rounds floats to a grid of integers and back: fake quantisation.
  case fake

  /// Whether numbers are rounded as the network runs.
  public var rounds: Bool { ![.dequantizer, .exactLayer].contains(self) }

  /// Whether the operator multiplies integers by weights.
  public var isLayer: Bool { [.layer, .exactLayer].contains(self) }

  /// Whether the operator takes and returns integers alone.
  public var isArithmetic: Bool { isLayer || self == .function }
}

extension OperatorRegistry {
  /// What a node's operator does with integers; `nil` for operators on floats and unknown ones.
  ///
  /// Run times repeat ONNX's own operators under domains of theirs, such as
  /// `com.microsoft.QuantizeLinear`. A node of an unknown domain has the role of ONNX's operator of
  /// that name.
  public func integerRole(of node: Node) -> IntegerRole? {
    let known = type(of: node) ?? type(of: Node(node.opType, inputs: [], outputs: []))
    return (known as? any IntegerOperator.Type)?.integerRole
  }
}

extension Graph {
  /// The first node that only quantised networks have; `nil` for float networks.
  ///
  /// Fake quantisation of a network in training does not count.
  public func firstIntegerNode(_ registry: OperatorRegistry) -> Node? {
    nodes.first { registry.integerRole(of: $0).map { $0 != .fake } ?? false }
  }

  /// Whether a network is quantised.
  public func isQuantized(_ registry: OperatorRegistry) -> Bool {
    firstIntegerNode(registry) != nil
  }
}
