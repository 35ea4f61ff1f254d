import GraphIR
import Tensors

/// The input itself: in inference nothing is dropped, and the mask is all true.
struct Dropout: Operator, DifferentiableOperator {
  static let opType = "Dropout"

  let hasBooleanMask: Bool

  init(attributes: Attributes, opset: Int) throws {
    hasBooleanMask = opset >= 10
    if opset < 7, try !attributes.flag("is_test", default: false) {
      throw AttributeError.invalid(
        name: "is_test", reason: "asks for training, which is unsupported")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...3)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64, .float16, .bfloat16)
    if let mode = inputs.optional(2) {
      try mode.check(2, holds: .bool)
      if mode.constant?.elements(as: Bool.self).first == true {
        throw OperatorError.unsupported("training mode")
      }
    }
    return [x.type, TensorType(hasBooleanMask ? .bool : x.elementType, x.shape)]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0] else { return }
    if call.outputs[0].base != x.base {
      call.outputs[0].bytes.copyMemory(from: UnsafeRawBufferPointer(x.bytes))
    }
    guard call.outputs.count > 1 else { return }
    let mask = call.outputs[1]
    if mask.elementType == .bool {
      mask.elements(as: Bool.self).update(repeating: true)
    } else {
      ElementLoop.map(x, mask, pool: call.pool) { _ in 1 }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Carries the gradient back: `∂x = ∂y`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    return [derivation.gradient()]
  }
}

extension Dropout: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
