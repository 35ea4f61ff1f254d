/// An operator that multiplies activations by a constant matrix or filter bank.
///
/// Weights can be pruned, quantised and factorised because operators declare where they are.
public protocol WeightedOperator: FiniteOperandsOperator {
  /// The inputs that hold weights when they are constant.
  var weightSlots: [WeightSlot] { get }

  /// What the operator computes of activations and weights.
  var arithmetic: LayerArithmetic { get }

  /// The input that is added to output channels, in the units of the output; `nil` where there is
  /// none.
  var biasInput: Int? { get }

  /// What the product and the bias are multiplied by: `y = α (w · x) + β b`.
  var factors: ProductFactors { get }

  /// How the layer reads patches of activations at the positions of its output.
  ///
  /// - Parameters:
  ///   - x: The shape of the activations.
  ///   - w: The shape of the weights.
  /// - Returns: `nil` where it reads rows, and where patches are not known to be read in two
  ///   dimensions.
  func patchWindow(x: [Int], w: [Int]) -> PatchWindow?
}

extension WeightedOperator {
  /// None.
  public var biasInput: Int? { nil }

  /// None.
  public var factors: ProductFactors { .none }

  /// None.
  public func patchWindow(x: [Int], w: [Int]) -> PatchWindow? { nil }

  /// Whether weights and bias can be fitted to responses as they stand, since nothing multiplies
  /// them.
  public var hasPlainWeights: Bool { factors == .none }
}

/// What a ``WeightedOperator`` computes.
public enum LayerArithmetic: Sendable, Equatable {
  /// A convolution with filters `[O, I / groups, …]`, or of its transpose `[I, O / groups, …]`.
  case convolution(groups: Int, isTransposed: Bool)
  /// A matrix product, its operands possibly transposed.
  case product(transposesA: Bool, transposesB: Bool)
}

/// What a layer multiplies by besides its weights.
public struct ProductFactors: Sendable, Equatable {
  /// α, of the product.
  public var product: Float
  /// β, of the bias.
  public var bias: Float

  /// Factors.
  public init(product: Float, bias: Float) { (self.product, self.bias) = (product, bias) }

  /// Nothing is multiplied.
  public static let none = Self(product: 1, bias: 1)
}

/// A window over rows and columns: where the positions of a patch lie.
public struct PatchWindow: Sendable, Equatable {
  /// Rows and columns of the window.
  public var extents: [Int]
  /// The step of each axis.
  public var strides: [Int]
  /// The distance of two positions along each axis.
  public var dilations: [Int]
  /// The padding before each axis.
  public var pads: [Int]

  /// A window.
  public init(extents: [Int], strides: [Int], dilations: [Int], pads: [Int]) {
    (self.extents, self.strides) = (extents, strides)
    (self.dilations, self.pads) = (dilations, pads)
  }
}

/// One input of a ``WeightedOperator`` that may hold weights.
public struct WeightSlot: Sendable, Equatable {
  /// The index among the node's inputs.
  public var input: Int
  /// The axis of the weight that output channels run along; negative counts from the end.
  public var outputAxis: Int
  /// The axis of the weight that input channels run along; negative counts from the end.
  public var inputAxis: Int

  /// A weight with its two channel axes.
  public init(input: Int, outputAxis: Int, inputAxis: Int) {
    self.input = input
    self.outputAxis = outputAxis
    self.inputAxis = inputAxis
  }
}

extension OperatorRegistry {
  /// The rules of a node with weights; `nil` for nodes without, unknown ones and faulty ones.
  public func weighted(_ node: Node, in graph: Graph) -> (any WeightedOperator)? {
    guard type(of: node) is any WeightedOperator.Type else { return nil }
    return (try? makeOperator(for: node, in: graph)) as? any WeightedOperator
  }
}
