import GraphIR
import Tensors

/// The input's elements in the type the attribute `to` names.
///
/// Floats lose their fraction on the way to integers; what does not fit there is cut to its low
/// bits, as in ONNX Runtime. Truth values are 0 and 1, and every number but 0 is true. What is too
/// large for a float8 becomes its largest number, or with `saturate` 0 infinity or NaN.
struct Cast: PreparedOperator, BlockOperator, DifferentiableOperator {
  static let opType = "Cast"

  let target: ElementType
  let saturates: Bool

  init(attributes: Attributes, opset: Int) throws {
    target = try ElementType(code: attributes.requiredInt("to"), attribute: "to")
    saturates = try attributes.flag("saturate", default: true)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try ElementConversion.check(0, x.elementType, target)
    return [TensorType(target, x.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    Kernel(algorithm: "") { call in
      ElementConversion.run(
        try call.input(0), call.outputs[0], saturates: saturates, pool: call.pool)
    }
  }

  func blocks(inputs: [Operand?], outputs: [TensorType]) -> BlockLayout? {
    inputs.optional(0)?.elementType == target ? .outputsInInput(offsets: [0]) : nil
  }

  /// The gradient of a float under another type of float; integers carry none.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard derivation.outputs[0].elementType == .float32,
      try derivation.type(0).elementType == .float32
    else { return [nil] }
    return [derivation.gradient()]
  }
}

extension Cast: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
