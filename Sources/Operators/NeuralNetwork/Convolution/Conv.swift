import GraphIR
import Kernels
import Tensors

/// Cross-correlation of a batch of images: `y[n,o] = bias[o] + Σᵢ x[n,i] ⋆ w[o,i]`.
///
/// Inputs: x `[N, I, (H,) W]`, w `[O, I / groups, (kH,) kW]`, optionally bias `[O]`; three and more
/// spatial axes are computed by plain loops and have no gradient.
struct Conv: PreparedOperator, CostedOperator, WeightedOperator, DifferentiableOperator {
  static let opType = "Conv"

  let weightSlots = [WeightSlot(input: 1, outputAxis: 0, inputAxis: 1)]

  let rule: ConvolutionRule

  init(attributes: Attributes, opset: Int) throws {
    rule = try ConvolutionRule(attributes)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try rule.inferTypes(inputs, residual: .none)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try rule.kernel(site, epilogue: Epilogue())
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    rule.macs(x: inputs[0], w: inputs[1])
  }

  /// Carries the gradient back: `∂x` see ``ConvolutionInputGradient``, `∂w` see
  /// ``ConvolutionWeightGradient``, `∂bias = Σ ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let (x, w) = (try derivation.type(0).shape, try derivation.type(1).shape)
    let geometry = try rule.geometry(x: x, w: w)
    let placement = geometry.attributes(axes: x.count - 2)
    let dy = derivation.gradient()
    var results: [String?] = [nil, nil, nil]
    if derivation.wants(0) {
      var attributes = placement
      if InputGradient(geometry) != nil {
        attributes["shape"] = .ints(x)
        results[0] = derivation(
          ConvolutionInputGradient.opType, domain: ConvolutionInputGradient.domain, dy,
          derivation.input(1), attributes: attributes)
      } else {
        attributes["output_padding"] = .ints(geometry.uncovered.suffix(x.count - 2))
        results[0] = derivation(
          ConvTranspose.opType, dy, derivation.input(1), attributes: attributes)
      }
    }
    if derivation.wants(1) {
      results[1] = derivation.weightGradient(
        of: dy, input: derivation.input(0), placement: placement, shape: w)
    }
    if derivation.wants(2) {
      results[2] = derivation.summedOverChannels(dy)
    }
    return results
  }
}

extension Conv: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .convolution(
      weight: 1, bias: inputs.optional(2) == nil ? nil : 2, groups: rule.groups,
      isTransposed: false)
  }

  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    removal.convolution(groups: rule.groups)
  }
}

extension ChannelRemoval {
  /// A depthwise convolution has as many groups as channels; others keep theirs.
  func convolution(groups: Int) -> ChannelAdjustment {
    guard groups > 1, inputs[0]?.shape[1] == groups else { return ChannelAdjustment() }
    var attributes = attributes
    attributes["group"] = .int(shape(ofInput: 0)[1])
    return ChannelAdjustment(attributes: attributes)
  }
}

extension Conv: QuantizableOperator, ParameterizedOperator {
  var arithmetic: LayerArithmetic { .convolution(groups: rule.groups, isTransposed: false) }
  var biasInput: Int? { 2 }

  func patchWindow(x: [Int], w: [Int]) -> PatchWindow? {
    guard x.count == 4, w.count == 4, let placed = try? rule.placed(x: x, w: w) else { return nil }
    return PatchWindow(
      extents: placed.kernel, strides: placed.strides, dilations: placed.dilations,
      pads: placed.padsBefore)
  }

  static var quantizationRole: QuantizationRole { .layer }

  var integerForm: IntegerForm? {
    IntegerForm(
      "QLinearConv", domain: "", [.input(0), .input(1), .output, .bias(2)], attributes: nil)
  }

  var parameterSlots: [ParameterSlot] { .weightAndBias }
}
