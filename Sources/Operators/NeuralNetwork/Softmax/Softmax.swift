import GraphIR
import Tensors

/// `eˣ / Σ eˣ` along one axis; before opset 13 along all axes from `axis` on, taken as one.
struct Softmax: PreparedOperator, DifferentiableOperator {
  static let opType = "Softmax"

  let rule: SoftmaxRule

  init(attributes: Attributes, opset: Int) throws {
    rule = try SoftmaxRule(attributes, opset: opset, isLogarithm: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? { try rule.inferTypes(inputs) }

  func prepare(_ site: PreparationSite) throws -> Kernel { try rule.kernel(site) }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Carries the gradient back: `∂x = y (∂y − Σ ∂y y)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let y = derivation.output(0)
    let axes = try rule.axes(derivation.outputs[0].shape)
    let sum = derivation.summed(derivation.product(dy, y), along: axes)
    return [derivation.product(derivation("Sub", dy, sum), y)]
  }
}

extension Softmax: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    (try? rule.axes(outputs[0].shape)).map { .normalized(axes: $0) }
  }
}
