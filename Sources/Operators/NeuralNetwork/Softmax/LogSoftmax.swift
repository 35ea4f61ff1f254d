import GraphIR
import Tensors

/// `x − ln Σ eˣ` along one axis; before opset 13 along all axes from `axis` on, taken as one.
struct LogSoftmax: PreparedOperator, DifferentiableOperator {
  static let opType = "LogSoftmax"

  let rule: SoftmaxRule

  init(attributes: Attributes, opset: Int) throws {
    rule = try SoftmaxRule(attributes, opset: opset, isLogarithm: true)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? { try rule.inferTypes(inputs) }

  func prepare(_ site: PreparationSite) throws -> Kernel { try rule.kernel(site) }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Carries the gradient back: `∂x = ∂y − eʸ Σ ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let axes = try rule.axes(derivation.outputs[0].shape)
    let share = derivation("Exp", derivation.output(0))
    let sum = derivation.summed(dy, along: axes)
    return [derivation("Sub", dy, derivation.product(share, sum))]
  }
}

extension LogSoftmax: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    (try? rule.axes(outputs[0].shape)).map { .normalized(axes: $0) }
  }
}
