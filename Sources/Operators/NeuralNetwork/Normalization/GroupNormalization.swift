import GraphIR
import Tensors

/// `y = γ (x − mean) / √(variance + ε) + β` with the statistics of each group of channels.
///
/// Inputs: x `[N, C, …]`, γ and β `[C]`, or `[groups]` before opset 21.
///
/// Reference: Wu and He, *Group Normalization*, ECCV 2018, arXiv:1803.08494.
struct GroupNormalization: Operator, DifferentiableOperator {
  static let opType = "GroupNormalization"

  let groups: Int
  let epsilon: Float
  let isPerGroup: Bool

  init(attributes: Attributes, opset: Int) throws {
    groups = try attributes.requiredInt("num_groups")
    epsilon = try attributes.float("epsilon", default: 1e-5)
    isPerGroup = opset < 21
    guard groups > 0 else {
      throw AttributeError.invalid(name: "num_groups", reason: "is \(groups), not positive")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 3...8)
    guard x.shape[1].isMultiple(of: groups) else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "has channels that \(groups) groups do not divide")
    }
    for (index, what) in zip(1..., ["scale", "bias"]) {
      let parameter = try inputs.required(index)
      try parameter.check(index, holds: x.elementType)
      try parameter.check(index, shape: [isPerGroup ? groups : x.shape[1]], "the \(what)")
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    let shape = call.outputs[0].shape
    let (groups, channels, area) = (groups, shape[1] / groups, shape[2...].product)
    let isPerGroup = isPerGroup
    NormalizedRuns(
      runs: shape[0] * groups, length: channels * area, epsilon: Double(epsilon)
    ).forward(call) { run, place in
      isPerGroup ? run % groups : run % groups * channels + place / area
    }
  }

  /// Carries the gradient back: `∂x` see ``Derivation/standardized(_:gradient:along:of:epsilon:)``,
  /// `∂γ = Σ ∂y · x̂`, `∂β = Σ ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let (channels, each) = (shape[1], shape[1] / groups)
    let grouped = [shape[0], groups, each * shape[2...].product]
    let dy = derivation.gradient()
    var scale = derivation.input(1)
    if isPerGroup {
      scale = derivation.expanded(derivation.reshaped(scale, to: [groups, 1]), to: [groups, each])
    }
    scale = derivation.reshaped(scale, to: [channels] + shape.dropFirst(2).map { _ in 1 })
    let result = derivation.standardized(
      derivation.reshaped(derivation.input(0), to: grouped),
      gradient: derivation.reshaped(derivation.product(dy, scale), to: grouped), along: [2],
      of: grouped, epsilon: epsilon)
    var parameters = [
      derivation.summedOverChannels(
        derivation.product(dy, derivation.reshaped(result.value, to: shape))),
      derivation.summedOverChannels(dy),
    ]
    if isPerGroup {
      parameters = parameters.map { value in
        let sum = derivation.summed(derivation.reshaped(value, to: [groups, each]), along: [1])
        return derivation.reshaped(sum, to: [groups])
      }
    }
    return [derivation.reshaped(result.gradient, to: shape)] + parameters
  }
}

extension GroupNormalization: ParameterizedOperator {
  var parameterSlots: [ParameterSlot] { .scaleAndShift }
}
