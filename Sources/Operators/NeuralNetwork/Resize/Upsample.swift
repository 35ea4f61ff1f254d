import GraphIR
import Tensors

/// Enlarges a value by repeating or mixing elements: what `Resize` was called before opset 10.
///
/// Inputs: x and, from opset 9 on, scales.
struct Upsample: PreparedOperator, DifferentiableOperator {
  static let opType = "Upsample"

  private let scales: [Float]?
  private let resize: Resize

  init(attributes: Attributes, opset: Int) throws {
    scales = try attributes.floats("scales")
    if opset < 9, scales == nil { throw AttributeError.missing(name: "scales") }
    resize = try Resize(attributes: attributes, opset: 10)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(scales == nil ? 2...2 : 1...1)
    return try resize.inferTypes(withScales(inputs))
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    var site = site
    site.inputs = withScales(site.inputs)
    return try resize.prepare(site)
  }

  private func withScales(_ inputs: [Operand?]) -> [Operand?] {
    guard let scales, let x = inputs.first else { return inputs }
    return [x, Operand(constant: Tensor(scales))]
  }

  /// See ``AxisMixAdjoint``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let inputs = withScales(derivation.inputs)
    guard let axes = try resize.resampling(inputs, derivation.outputs[0]) else {
      throw OperatorErrors.dynamicTypes
    }
    return [try derivation.adjoint(of: axes)]
  }
}

extension Upsample: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    inputs[0]?.shape.prefix(2) == outputs[0].shape.prefix(2) ? .perChannel(parameters: []) : nil
  }
}

extension Upsample: DistributionOperator {
  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }
}
