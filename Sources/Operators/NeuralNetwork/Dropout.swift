import GraphIR
import Tensors

/// The input itself: in inference nothing is dropped, and the mask is all true.
///
/// A node in training mode is refused, unless its ratio is 0, in which case it drops nothing
/// either: numbers that are drawn differ from one runtime to the next, so that no outputs would be
/// the right ones.
struct Dropout: Operator, DifferentiableOperator {
  static let opType = "Dropout"

  let hasBooleanMask: Bool
  private let ratio: Float

  init(attributes: Attributes, opset: Int) throws {
    hasBooleanMask = opset >= 10
    ratio = try attributes.float("ratio", default: 0.5)
    if opset < 7, try !attributes.flag("is_test", default: false) {
      throw AttributeError.invalid(name: "is_test", reason: "asks for \(OperatorErrors.training)")
    }
  }

  /// Refuses a node that is known to drop something.
  private func check(ratio: Double?, trains: Bool?) throws {
    guard trains == true, let ratio, ratio != 0 else { return }
    throw OperatorError.unsupported(OperatorErrors.training)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...3)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64, .float16, .bfloat16)
    if let mode = inputs.optional(2) {
      try mode.check(2, holds: .bool)
      let ratio = inputs.optional(1)
      try ratio?.check(1, holdsOneOf: ElementType.floatingPoint)
      try check(
        ratio: ratio == nil ? Double(self.ratio) : ratio?.constant?.doubles.first,
        trains: mode.constant?.elements(as: Bool.self).first)
    }
    return [x.type, TensorType(hasBooleanMask ? .bool : x.elementType, x.shape)]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0] else { return }
    if let mode = call.optionalInput(2), mode.count > 0 {
      let ratio = call.optionalInput(1)
      try check(
        ratio: ratio.map { $0.count > 0 ? NumberConversion.double($0, 0) : 0 }
          ?? Double(self.ratio),
        trains: mode.elements(as: Bool.self)[0])
    }
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

extension Dropout: DistributionOperator {
  func distributionFlow(_ inputs: [Tensor?]) -> DistributionFlow? { .kept }
}
