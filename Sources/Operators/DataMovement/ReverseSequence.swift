import GraphIR
import Tensors

/// The first elements of each sequence in reverse order, as many as the second input says; the rest
/// stays.
///
/// Inputs: data whose first two axes are time and batch in either order, lengths `[batch]`.
struct ReverseSequence: Operator, DifferentiableOperator {
  static let opType = "ReverseSequence"

  let batchAxis: Int
  let timeAxis: Int

  init(attributes: Attributes, opset: Int) throws {
    batchAxis = try attributes.int("batch_axis", default: 1)
    timeAxis = try attributes.int("time_axis", default: 0)
    guard (batchAxis, timeAxis) == (0, 1) || (batchAxis, timeAxis) == (1, 0) else {
      throw AttributeError.invalid(
        name: "time_axis", reason: "is \(timeAxis) beside batch_axis \(batchAxis), expected 0 and 1"
      )
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (data, lengths) = (try inputs.required(0), try inputs.required(1))
    try data.checkMovable(0)
    try data.check(0, rank: 2...8)
    try lengths.check(1, holds: .int64)
    try lengths.check(1, shape: [data.shape[batchAxis]], "the lengths")
    return [data.type]
  }

  func forward(_ call: OperatorCall) throws {
    let (data, lengths, y) = (try call.input(0), try call.input(1), call.outputs[0])
    let (batch, time) = (data.shape[batchAxis], data.shape[timeAxis])
    let block = data.type.elementType.byteCount(of: data.shape[2...].product)
    let (batchStep, timeStep) = batchAxis == 0 ? (time * block, block) : (block, batch * block)
    for sequence in 0..<batch {
      let length = lengths.integer(at: sequence)
      guard length >= 0, length <= time else {
        throw OperatorError.unsupported("a sequence of \(length) on an axis of \(time)")
      }
      for step in 0..<time {
        let source = step < length ? length - 1 - step : step
        (y.base + sequence * batchStep + step * timeStep).copyMemory(
          from: data.base + sequence * batchStep + source * timeStep, byteCount: block)
      }
    }
  }

  /// Carries the gradient back: reversed again.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [
      derivation(
        "ReverseSequence", derivation.gradient(), derivation.input(1),
        attributes: derivation.node.attributes), nil,
    ]
  }
}
