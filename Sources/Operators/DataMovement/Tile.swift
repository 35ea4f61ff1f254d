import GraphIR
import Tensors

/// The input repeated along each axis as often as the second input says.
struct Tile: StridedCopyOperator, DifferentiableOperator {
  static let opType = "Tile"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    guard let repeats = try inputs.required(1).constantIntegers(1) else { return nil }
    guard repeats.count == x.shape.count, repeats.allSatisfy({ $0 >= 0 }) else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "cannot be repeated \(repeats) times")
    }
    let shape = try zip(x.shape, repeats).map { extent, times in
      let (product, overflow) = extent.multipliedReportingOverflow(by: times)
      guard !overflow else { throw OperatorError.unsupported("\(times) repeats") }
      return product
    }
    return [try TensorType(checking: x.elementType, shape)]
  }

  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy {
    let x = try inputs.required(0)
    var (extents, source, target) = ([Int](), [Int](), [Int]())
    let (own, made) = (x.shape.contiguousStrides, output.shape.contiguousStrides)
    for (axis, extent) in x.shape.enumerated() {
      extents += [extent == 0 ? 0 : output.shape[axis] / extent, extent]
      source += [0, own[axis]]
      target += [made[axis] * extent, made[axis]]
    }
    return StridedCopy(extents, from: source, to: target, elementBytes: x.elementBytes)
  }

  /// Carries the gradient back: `∂x` gathers `∂y` where the copy took it from.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [try derivation.adjoint(of: copy(derivation.inputs, derivation.outputs[0]))]
  }
}

extension Tile: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
