import Tensors

/// An operator that may compute between quantised values, and so on integers.
///
/// Operators without this capability stay float, and so do their outputs.
public protocol QuantizableOperator: Operator {
  /// The role of the operator.
  static var quantizationRole: QuantizationRole { get }

  /// The operator on integers that runtimes have in its place. `nil` where there is none, and for
  /// ``QuantizationRole/layout``, which rearranges integers itself.
  var integerForm: IntegerForm? { get }

  /// How a ``QuantizationRole/layout`` treats elements.
  var elementMotion: ElementMotion { get }
}

extension QuantizableOperator {
  /// None.
  public var integerForm: IntegerForm? { nil }

  /// Elements are rearranged unchanged.
  public var elementMotion: ElementMotion { .moved }
}

/// The role of an operator between quantised values.
public enum QuantizationRole: String, Sendable, Equatable, CaseIterable {
  /// Multiplies input 0 by weights, which are quantised too.
  case layer
  /// A layer that runtimes compute only in float.
  case floatLayer
  /// Rearranges the elements of input 0, or chooses among them. The output has the scale of input
  /// 0.
  case layout
  /// Has several quantised inputs: a concatenation, a sum, a product.
  case combination
  /// A function of input 0 whose output has a scale of its own.
  case function
  /// A clamp. Quantisation to a range with the same ends computes it already; see
  /// ``ClampOperator``.
  case clamp

  /// The quantised activations among the inputs of a node.
  public func quantizedSlots(_ node: Node) -> [Int] {
    self == .combination ? Array(node.inputs.indices) : [0]
  }
}

/// How a layout operator treats elements.
public enum ElementMotion: Sendable, Equatable {
  /// Every output element is an input element, whatever its value.
  case moved
  /// Every output element is an input element, chosen by order. A monotone function may be applied
  /// after the choice.
  case chosenByOrder
  /// Output elements are computed from several input elements, which integers do not allow without
  /// rounding.
  case mixed
}

/// An operator that clamps the elements of input 0 to two bounds.
public protocol ClampOperator: QuantizableOperator, ElementwiseOperator {
  /// The bounds, when they are constant; `nil` otherwise, or when the lower one is above the upper
  /// one.
  ///
  /// - Parameter constant: The constants of the graph by name.
  func bounds(_ node: Node, constant: (String) -> Tensor?) -> ClosedRange<Float>?
}

extension ClampOperator {
  /// A clamp.
  public static var quantizationRole: QuantizationRole { .clamp }
}

/// An operator on integers in place of one on floats, with the order of its operands.
///
/// A quantised operand is three inputs: integers, scale and zero point.
public struct IntegerForm: Sendable, Equatable {
  /// One or more inputs of the operator on integers.
  public enum Part: Sendable, Equatable {
    /// The integers, scale and zero point of an input of the float operator.
    case input(Int)
    /// The integers, scales and zero points of all inputs.
    case everyInput
    /// The int32 bias, an input of the float operator; left out where that has none.
    case bias(Int)
    /// The scale and zero point of the output.
    case output
  }

  /// The operator.
  public var opType: String
  /// Its domain.
  public var domain: String
  /// Its inputs, in order.
  public var parts: [Part]
  /// The attributes that it shares with the float operator; `nil` for all.
  public var attributes: [String]?
  /// Whether weights may have a scale for each output channel.
  public var scalesByChannel: Bool

  /// An operator on integers; by default one of ONNX Runtime's with no attributes.
  public init(
    _ opType: String, domain: String = "com.microsoft", _ parts: [Part],
    attributes: [String]? = [], scalesByChannel: Bool = true
  ) {
    (self.opType, self.domain, self.parts) = (opType, domain, parts)
    (self.attributes, self.scalesByChannel) = (attributes, scalesByChannel)
  }
}

extension OperatorRegistry {
  /// The role of a node's operator between quantised values; `nil` where it stays float, and for
  /// unknown operators.
  public func quantizationRole(of node: Node) -> QuantizationRole? {
    (type(of: node) as? any QuantizableOperator.Type)?.quantizationRole
  }
}
