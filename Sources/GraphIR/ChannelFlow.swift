import Tensors

/// How the channels of an operator's inputs become those of its outputs.
///
/// Pruning gives every output channel of a weighted node a label. It follows the labels through the
/// graph by these cases alone. The pass that does so is `ChannelTrace` in the module Prune.
public enum ChannelFlow: Sendable, Equatable {
  /// The operator rearranges elements of the inputs `data`; labels move as the elements do.
  case rearranged(data: [Int])
  /// The output is input 0 with elements added or cut off at the ends of some axes. The values of
  /// added elements do not depend on labels.
  case extended
  /// Output element *i* depends on element *i* of each input, all broadcast to one shape.
  case aligned
  /// Output *(n, c, …)* depends on *(n, c, …)* of input 0 and on element *c* of the inputs
  /// `parameters`, `[C]`.
  case perChannel(parameters: [Int])
  /// Every output element depends on all of input 0 along these axes. The output has them with
  /// extent 1 or not at all.
  case reduced(axes: [Int])
  /// As ``reduced(axes:)``, but the output has the input's shape.
  case normalized(axes: [Int])
  /// A convolution of input 0 `[N, C, …]` with a bank of filters.
  ///
  /// `weight` is the input with the filters, `[outputs, inputs per group, …]`, or
  /// `[inputs, outputs per group, …]` when transposed. `bias` is the input with the bias,
  /// `[outputs]`.
  case convolution(weight: Int, bias: Int?, groups: Int, isTransposed: Bool)
  /// The matrix product of inputs 0 and 1, each possibly transposed on its last two axes, plus a
  /// bias that broadcasts.
  case product(transposesA: Bool, transposesB: Bool, bias: Int?)
}

/// An operator whose channels can be followed.
///
/// Channels that reach an operator without this capability are never removed.
public protocol ChannelOperator: Operator {
  /// How channels flow through one use of the operator, `nil` when nothing is known of this use.
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow?

  /// The attributes and constant operands that the node needs when channels are removed around it.
  ///
  /// The pass itself cuts weights, biases and other operands that have channels of their own. The
  /// operator adjusts numbers *about* channels: shapes, extents of parts, bounds, indices, counts
  /// of groups.
  ///
  /// - Throws: ``OperatorError`` when the operator cannot express what stays.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment
}

extension ChannelOperator {
  /// Nothing to adjust.
  public func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    ChannelAdjustment()
  }
}

/// What is removed around one node.
public struct ChannelRemoval: Sendable {
  /// What was known of each input before.
  public var inputs: [Operand?]
  /// The type of each output before.
  public var outputs: [TensorType]
  /// For each input and axis, the indices that stay; `nil` for inputs that hold no labelled values.
  public var keptInputs: [[[Int]]?]
  /// For each output and axis, the indices that stay.
  public var keptOutputs: [[[Int]]]
  /// The node's attributes before.
  public var attributes: Attributes
  /// The version of the operator's domain.
  public var opset: Int

  /// A removal around one node.
  public init(
    inputs: [Operand?], outputs: [TensorType], keptInputs: [[[Int]]?], keptOutputs: [[[Int]]],
    attributes: Attributes, opset: Int
  ) {
    (self.inputs, self.outputs) = (inputs, outputs)
    (self.keptInputs, self.keptOutputs) = (keptInputs, keptOutputs)
    (self.attributes, self.opset) = (attributes, opset)
  }

  /// The shape of an output afterwards.
  public func shape(ofOutput index: Int = 0) -> [Int] { keptOutputs[index].map(\.count) }

  /// The shape of an input afterwards.
  public func shape(ofInput index: Int) -> [Int] {
    keptInputs[index]?.map(\.count) ?? inputs[index]?.shape ?? []
  }
}

/// What changes about one node besides its weights.
public struct ChannelAdjustment: Sendable {
  /// The new attributes; `nil` when they stay.
  public var attributes: Attributes?
  /// New values of constant operands, by input.
  public var operands: [Int: Tensor]

  /// A change of attributes, operands or neither.
  public init(attributes: Attributes? = nil, operands: [Int: Tensor] = [:]) {
    (self.attributes, self.operands) = (attributes, operands)
  }
}
