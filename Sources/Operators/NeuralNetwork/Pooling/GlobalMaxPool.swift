import GraphIR
import Tensors

/// The largest element of each channel of each image: `[N, C, …]` to `[N, C, 1, …]`.
struct GlobalMaxPool: Operator, DifferentiableOperator {
  static let opType = "GlobalMaxPool"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    [try GlobalPool.outputType(inputs)]
  }

  func forward(_ call: OperatorCall) throws {
    if call.outputs[0].elementType == .float32 {
      GlobalPool.reduce(call, Float.self, start: -.infinity, pointwiseMax) { lanes, _ in lanes.max()
      }
    } else {
      GlobalPool.reduce(call, Double.self, start: -.infinity, pointwiseMax) { lanes, _ in
        lanes.max()
      }
    }
  }

  /// The gradient goes to every element that is the largest.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let isChosen = derivation("Equal", derivation.input(0), derivation.output(0))
    return [
      derivation("Where", isChosen, derivation.gradient(), derivation.constant(0))
    ]
  }
}

extension GlobalMaxPool: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    .perChannel(parameters: [])
  }
}
