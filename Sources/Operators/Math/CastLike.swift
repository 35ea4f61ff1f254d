import GraphIR
import Tensors

/// The first input's elements in the type of the second's; see ``Cast``.
struct CastLike: PreparedOperator, BlockOperator, DifferentiableOperator {
  static let opType = "CastLike"

  let saturates: Bool

  init(attributes: Attributes, opset: Int) throws {
    saturates = try attributes.flag("saturate", default: true)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, model) = (try inputs.required(0), try inputs.required(1))
    try ElementConversion.check(0, x.elementType, model.elementType)
    return [TensorType(model.elementType, x.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    Kernel(algorithm: "") { call in
      ElementConversion.run(
        try call.input(0), call.outputs[0], saturates: saturates, pool: call.pool)
    }
  }

  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout? {
    inputs.optional(0)?.elementType == outputs[0].elementType ? .outputsInInput(offsets: [0]) : nil
  }

  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard derivation.outputs[0].elementType == .float32,
      try derivation.type(0).elementType == .float32
    else { return [nil, nil] }
    return [derivation.gradient(), nil]
  }
}

extension CastLike: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
