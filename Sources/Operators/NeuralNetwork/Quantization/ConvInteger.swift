import GraphIR
import Kernels
import Tensors

/// A convolution of 8-bit integers: `Σ (x − zₓ)(w − z_w)` in int32; padding counts as zₓ.
///
/// Inputs: x `[N, I, (H,) W]`, w `[O, I / groups, (kH,) kW]`, optionally zₓ and z_w, the latter one
/// number or `[O]`.
struct ConvInteger: PreparedOperator, CostedOperator, WeightedOperator {
  static let opType = "ConvInteger"
  let weightSlots = [WeightSlot(input: 1, outputAxis: 0, inputAxis: 1)]
  var arithmetic: LayerArithmetic {
    .convolution(groups: place.rule.groups, isTransposed: false)
  }

  private let place: IntegerConvolutionPlace

  init(attributes: Attributes, opset: Int) throws {
    place = IntegerConvolutionPlace(
      rule: try ConvolutionRule(attributes), weights: 1, inputZero: 2, weightsZero: 3)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...4)
    return [try place.inferType(inputs, output: .int32)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try place.kernel(site) { call, _ in
      .sums(call.outputs[0].base.assumingMemoryBound(to: Int32.self))
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    place.rule.macs(x: inputs[0], w: inputs[1])
  }
}

extension ConvInteger: IntegerOperator {
  static var integerRole: IntegerRole { .exactLayer }
}

extension ConvInteger: ChannelOperator {
  /// Channels pass when one zero point serves all filters.
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    guard inputs.optional(3)?.type.count ?? 1 == 1 else { return nil }
    return .convolution(weight: 1, bias: nil, groups: place.rule.groups, isTransposed: false)
  }

  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    removal.convolution(groups: place.rule.groups)
  }
}
