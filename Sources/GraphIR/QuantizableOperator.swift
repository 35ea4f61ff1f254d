import Tensors

/// An operator that may stand between fake-quantised values, and so compute on integers.
///
/// An operator that does not adopt this stays float, and so does what it makes.
public protocol QuantizableOperator: Operator {
  /// The part that the operator plays.
  static var quantizationRole: QuantizationRole { get }

  /// The operator on integers that run times have in its place; `nil` where there is none, and for
  /// ``QuantizationRole/layout``, which moves integers itself.
  var integerForm: IntegerForm? { get }

  /// How a ``QuantizationRole/layout`` treats elements.
  var elementMotion: ElementMotion { get }
}

extension QuantizableOperator {
  /// None.
  public var integerForm: IntegerForm? { nil }

  /// Moved as they are.
  public var elementMotion: ElementMotion { .moved }
}

/// The part that an operator plays between fake-quantised values.
public enum QuantizationRole: String, Sendable, Equatable, CaseIterable {
  /// Multiplies input 0 by weights, which become integers too.
  case layer
  /// A layer that run times compute on floats alone.
  case floatLayer
  /// Moves the elements of input 0 about, or chooses among them: the output has the scale of
  /// input 0.
  case layout
  /// Has several quantised inputs: a concatenation, a sum, a product.
  case combination
  /// A function of input 0 whose output has a scale of its own.
  case function
  /// A function that rounding to a range computes by itself where the range ends where the clamp
  /// does; see ``ClampOperator``.
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
  /// Every output element is an input element, chosen by order; what keeps the order may come after
  /// the choice.
  case chosenByOrder
  /// Output elements are mixed of several, which integers do not do without rounding.
  case mixed
}

/// An operator that keeps the elements of input 0 within two bounds.
public protocol ClampOperator: QuantizableOperator, ElementwiseOperator {
  /// The bounds, as far as constants tell; `nil` where they do not, or where the lower one is above
  /// the upper one.
  ///
  /// - Parameter constant: The constants of the graph by name.
  func bounds(_ node: Node, constant: (String) -> Tensor?) -> ClosedRange<Float>?
}

extension ClampOperator {
  /// A clamp.
  public static var quantizationRole: QuantizationRole { .clamp }
}

/// An operator on integers in place of one on floats, and in which order it takes operands.
///
/// A quantised operand is three inputs: integers, scale and zero point.
public struct IntegerForm: Sendable, Equatable {
  /// One or more inputs of the operator on integers.
  public enum Part: Sendable, Equatable {
    /// The integers, scale and zero point of an input of the float operator.
    case input(Int)
    /// Those of all inputs.
    case everyInput
    /// The int32 bias, an input of the float operator; nothing where that has none.
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
  /// The attributes of the float operator that it has as well; `nil` for all.
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
  /// The part that a node's operator plays between fake-quantised values; `nil` where it stays
  /// float, and for operators that are not known.
  public func quantizationRole(of node: Node) -> QuantizationRole? {
    (type(of: node) as? any QuantizableOperator.Type)?.quantizationRole
  }
}
