import GraphIR
import Tensors

/// The mean of each channel of each image: `[N, C, …]` to `[N, C, 1, …]`.
struct GlobalAveragePool: Operator, DifferentiableOperator {
  static let opType = "GlobalAveragePool"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    [try GlobalPool.outputType(inputs)]
  }

  func forward(_ call: OperatorCall) throws {
    if call.outputs[0].elementType == .float32 {
      GlobalPool.reduce(call, Float.self, start: 0, { $0 + $1 }) { $0.sum() / Float($1) }
    } else {
      GlobalPool.reduce(call, Double.self, start: 0, { $0 + $1 }) { $0.sum() / Double($1) }
    }
  }

  /// Carries the gradient back: `∂x = ∂y / (H·W)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let share = derivation.scaled(
      derivation.gradient(), by: 1 / Float(max(shape[2...].product, 1)))
    return [derivation.expanded(share, to: shape)]
  }
}

extension GlobalAveragePool: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}

extension GlobalAveragePool: QuantizableOperator, DistributionOperator {
  static var quantizationRole: QuantizationRole { .function }

  var integerForm: IntegerForm? { IntegerForm("QLinearGlobalAveragePool", [.input(0), .output]) }

  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }
}
