import GraphIR
import Tensors

/// `y = γ (x − mean) / √(variance + ε) + β` with the statistics of each image's channel.
///
/// Inputs: x `[N, C, …]`, γ and β `[C]`.
///
/// Reference: Ulyanov et al., *Instance Normalization*, arXiv:1607.08022.
struct InstanceNormalization: Operator, DifferentiableOperator {
  static let opType = "InstanceNormalization"

  let epsilon: Float

  init(attributes: Attributes, opset: Int) throws {
    epsilon = try attributes.float("epsilon", default: 1e-5)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 3...8)
    for (index, what) in zip(1..., ["scale", "bias"]) {
      let parameter = try inputs.required(index)
      try parameter.check(index, holds: x.elementType)
      try parameter.check(index, shape: [x.shape[1]], "the \(what)")
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    let channels = call.outputs[0].shape[1]
    NormalizedRuns(
      runs: call.outputs[0].shape[0] * channels, length: call.outputs[0].shape[2...].product,
      epsilon: Double(epsilon)
    ).forward(call) { run, _ in run % channels }
  }

  /// Carries the gradient back: `∂x` see ``Derivation/standardized(_:gradient:along:of:epsilon:)``,
  /// `∂γ = Σ ∂y · x̂`, `∂β = Σ ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let dy = derivation.gradient()
    let scale = derivation.reshaped(
      derivation.input(1), to: [shape[1]] + shape.dropFirst(2).map { _ in 1 })
    let result = derivation.standardized(
      derivation.input(0), gradient: derivation.product(dy, scale), along: Array(2..<shape.count),
      of: shape, epsilon: epsilon)
    return [
      result.gradient, derivation.summedOverChannels(derivation.product(dy, result.value)),
      derivation.summedOverChannels(dy),
    ]
  }
}

extension InstanceNormalization: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [1, 2])
  }
}

extension InstanceNormalization: ParameterizedOperator {
  var parameterSlots: [ParameterSlot] { .scaleAndShift }
}
