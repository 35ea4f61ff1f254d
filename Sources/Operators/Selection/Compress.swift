import GraphIR
import Tensors

/// The slices along `axis`, or the elements when there is no axis, for which the condition holds.
struct Compress: Operator, DifferentiableOperator {
  static let opType = "Compress"

  let axis: Int?

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis")
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, condition) = (try inputs.required(0), try inputs.required(1))
    try x.checkMovable(0)
    try condition.check(1, holds: .bool)
    try condition.check(1, rank: 1...1)
    let axis = try axis?.axis(ofRank: x.shape.count)
    guard let chosen = condition.constant.map(Self.chosen) else { return nil }
    var shape = axis == nil ? [x.type.count] : x.shape
    if let last = chosen.last, last >= shape[axis ?? 0] {
      throw OperatorErrors.index(last, extent: shape[axis ?? 0])
    }
    shape[axis ?? 0] = chosen.count
    return [TensorType(x.elementType, shape)]
  }

  func forward(_ call: OperatorCall) throws {
    let (x, y) = (try call.input(0), call.outputs[0])
    let shape = axis == nil ? [x.count] : x.shape
    let axis = try axis?.axis(ofRank: x.shape.count) ?? 0
    let bytes = shape[(axis + 1)...].product * x.type.elementBytes
    let condition = try call.input(1)
    let holds = condition.words(as: UInt8.self)
    var target = y.base
    for row in 0..<shape[..<axis].product {
      for index in 0..<min(condition.count, shape[axis]) where holds[index] != 0 {
        target.copyMemory(
          from: x.base + (row * shape[axis] + index) * bytes, byteCount: bytes)
        target += bytes
      }
    }
  }

  private static func chosen(_ condition: Tensor) -> [Int] {
    condition.withUnsafeBytes { bytes in bytes.indices.filter { bytes[$0] != 0 } }
  }

  /// Carries the gradient back to the slices that were chosen.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when only the run decides which.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard let condition = derivation.inputs[1]?.constant else {
      throw OperatorError.unsupported("a derivative of a choice that only the run makes")
    }
    let shape = try derivation.type(0).shape
    let flat = axis == nil ? [shape.product] : shape
    let dx = derivation(
      GatherGradient.opType, domain: GatherGradient.domain, derivation.gradient(),
      derivation.constant(Tensor(Self.chosen(condition).map(Int64.init))),
      attributes: ["axis": .int(try axis?.axis(ofRank: shape.count) ?? 0), "shape": .ints(flat)])
    return [axis == nil ? derivation.reshaped(dx, to: shape) : dx, nil]
  }
}
