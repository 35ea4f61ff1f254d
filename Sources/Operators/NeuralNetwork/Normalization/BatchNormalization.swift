import GraphIR
import Tensors

/// `y = γ (x − mean) / √(variance + ε) + β`, each channel with its own learnt numbers.
///
/// Inputs: x `[N, C, …]`, γ, β, mean, variance `[C]`. A node in training mode, which
/// `training_mode` or, before opset 14, further outputs tell, is refused.
///
/// Reference: Ioffe and Szegedy, *Batch Normalization*, ICML 2015, arXiv:1502.03167.
struct BatchNormalization: OutputCountedOperator, DifferentiableOperator {
  static let opType = "BatchNormalization"

  let epsilon: Float

  init(attributes: Attributes, opset: Int) throws {
    try self.init(attributes: attributes, opset: opset, outputCount: 1)
  }

  init(attributes: Attributes, opset: Int, outputCount: Int) throws {
    epsilon = try attributes.float("epsilon", default: 1e-5)
    if try attributes.flag("training_mode", default: false) {
      throw AttributeError.invalid(
        name: "training_mode", reason: "asks for \(OperatorErrors.training)")
    }
    if opset < 14, outputCount > 1 {
      throw OperatorError.unsupported(
        "\(outputCount) outputs, which before opset 14 ask for \(OperatorErrors.training)")
    }
    if opset < 7, try !attributes.flag("is_test", default: false) {
      throw AttributeError.invalid(name: "is_test", reason: "asks for \(OperatorErrors.training)")
    }
    if opset < 9, try attributes.int("spatial", default: 1) != 1 {
      throw AttributeError.invalid(
        name: "spatial", reason: "is 0, only one number per channel is supported")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(5...5)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 1...8)
    let channels = x.shape.count > 1 ? x.shape[1] : 1
    for (index, what) in zip(1..., ["scale", "bias", "mean", "variance"]) {
      let parameter = try inputs.required(index)
      try parameter.check(index, holds: x.elementType)
      try parameter.check(index, shape: [channels], "the \(what)")
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    call.outputs[0].elementType == .float32
      ? normalize(call, Float.self) : normalize(call, Double.self)
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  private func normalize<Element: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Element.Type
  ) {
    guard let x = call.inputs[0]?.elements(as: Element.self),
      let scale = call.inputs[1]?.elements(as: Element.self),
      let bias = call.inputs[2]?.elements(as: Element.self),
      let mean = call.inputs[3]?.elements(as: Element.self),
      let variance = call.inputs[4]?.elements(as: Element.self)
    else { return }
    let y = call.outputs[0].elements(as: Element.self)
    let shape = call.outputs[0].shape
    let channels = shape.count > 1 ? shape[1] : 1
    let run = shape.dropFirst(2).product
    let epsilon = Element(epsilon)
    call.pool.forEach(shape.count > 1 ? shape[0] * channels : shape.product) { row in
      let channel = row % channels
      let factor = scale[channel] / (variance[channel] + epsilon).squareRoot()
      let offset = bias[channel] - mean[channel] * factor
      for index in row * run..<(row + 1) * run { y[index] = x[index] * factor + offset }
    }
  }

  /// With stored statistics: `∂x = ∂y · γ s`, `∂γ = Σ ∂y (x − mean) s`, `∂β = Σ ∂y`, `s = 1 /
  /// √(variance + ε)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = derivation.outputs[0].shape
    let channelwise = shape.indices.map { $0 == 1 ? shape[1] : 1 }
    guard shape.count > 1, !derivation.wants(3), !derivation.wants(4) else {
      throw OperatorError.unsupported("derivatives by stored statistics, or of a vector")
    }
    let dy = derivation.gradient()
    let shifted = derivation("Add", derivation.input(4), derivation.constant(epsilon))
    let deviation = derivation.reshaped(derivation("Sqrt", shifted), to: channelwise)
    let scaled = derivation("Div", dy, deviation)
    var results: [String?] = [nil, nil, nil]
    if derivation.wants(0) {
      let scale = derivation.reshaped(derivation.input(1), to: channelwise)
      results[0] = derivation.product(scaled, scale)
    }
    if derivation.wants(1) {
      let mean = derivation.reshaped(derivation.input(3), to: channelwise)
      let centred = derivation("Sub", derivation.input(0), mean)
      results[1] = derivation.summedOverChannels(derivation.product(scaled, centred))
    }
    if derivation.wants(2) { results[2] = derivation.summedOverChannels(dy) }
    return results
  }
}

extension BatchNormalization: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [1, 2, 3, 4])
  }
}

extension BatchNormalization: ParameterizedOperator {
  var parameterSlots: [ParameterSlot] { .scaleAndShift }
}
