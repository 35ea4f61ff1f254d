import GraphIR
import Tensors

/// `y = γ (x − mean) / √(variance + ε) + β` over the axes from `axis` on.
///
/// Inputs: x, γ and optionally β of the normalised axes' shape. Outputs: y, the means and the
/// reciprocal deviations, the latter two with the normalised axes of extent 1.
///
/// Reference: Ba et al., *Layer Normalization*, arXiv:1607.06450.
struct LayerNormalization: Operator, DifferentiableOperator {
  static let opType = "LayerNormalization"

  let axis: Int
  let epsilon: Float

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...3)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    let first = try axis.axis(ofRank: x.shape.count)
    let normalized = Array(x.shape[first...])
    for index in 1...2 {
      guard let parameter = index == 1 ? try inputs.required(1) : inputs.optional(2) else {
        continue
      }
      try parameter.check(index, holds: x.elementType)
      guard parameter.type.count == normalized.product else {
        throw OperatorError.shape(
          input: index, found: parameter.shape,
          reason: "does not fit, it must have shape \(normalized)")
      }
    }
    let kept = Array(x.shape[..<first]) + normalized.map { _ in 1 }
    return [x.type, TensorType(.float32, kept), TensorType(.float32, kept)]
  }

  func forward(_ call: OperatorCall) throws {
    let shape = call.outputs[0].shape
    let first = try axis.axis(ofRank: shape.count)
    NormalizedRuns(
      runs: shape[..<first].product, length: shape[first...].product, epsilon: Double(epsilon)
    ).forward(call) { _, place in place }
  }

  /// Carries the gradient back: `∂x` see ``Derivation/standardized(_:gradient:along:of:epsilon:)``,
  /// `∂γ = Σ ∂y · x̂`, `∂β = Σ ∂y`.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when the loss reads means or deviations.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard derivation.gradients.dropFirst().allSatisfy({ $0 == nil }) else {
      throw OperatorError.unsupported("a derivative of its means and deviations")
    }
    let shape = try derivation.type(0).shape
    let first = try axis.axis(ofRank: shape.count)
    let dy = derivation.gradient()
    let scale = derivation.reshaped(derivation.input(1), to: Array(shape[first...]))
    let result = derivation.standardized(
      derivation.input(0), gradient: derivation.product(dy, scale),
      along: Array(first..<shape.count),
      of: shape, epsilon: epsilon)
    var results: [String?] = [result.gradient, nil, nil]
    for (index, value) in [(1, derivation.product(dy, result.value)), (2, dy)]
    where derivation.wants(index) {
      let folded = derivation.folded(value, of: shape, to: Array(shape[first...]))
      results[index] = derivation.reshaped(folded, to: try derivation.type(index).shape)
    }
    return results
  }
}

extension LayerNormalization: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    let rank = outputs[0].shape.count
    return (try? axis.axis(ofRank: rank)).map { .normalized(axes: Array($0..<rank)) }
  }
}

extension LayerNormalization: ParameterizedOperator {
  var parameterSlots: [ParameterSlot] { .scaleAndShift }
}
