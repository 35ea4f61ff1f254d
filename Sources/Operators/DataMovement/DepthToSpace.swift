import GraphIR
import Tensors

/// Blocks of channels spread over space: `[N, C, H, W]` becomes `[N, C/b², H·b, W·b]`.
///
/// In mode `DCR` the place within a block is the slower part of the channel, in mode `CRD` (from
/// opset 11, pixel shuffle) the faster one.
struct DepthToSpace: StridedCopyOperator, DifferentiableOperator {
  static let opType = "DepthToSpace"

  let block: Int
  let placeIsFaster: Bool

  init(attributes: Attributes, opset: Int) throws {
    block = try SpaceToDepth.block(attributes)
    let mode = opset >= 11 ? try attributes.string("mode", default: "DCR") : "DCR"
    guard mode == "DCR" || mode == "CRD" else {
      throw AttributeError.invalid(name: "mode", reason: "is '\(mode)', expected DCR or CRD")
    }
    placeIsFaster = mode == "CRD"
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    try x.check(0, rank: 4...4)
    guard x.shape[1] % (block * block) == 0 else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "has channels that blocks of \(block) do not divide")
    }
    let shape = [
      x.shape[0], x.shape[1] / (block * block), x.shape[2] * block, x.shape[3] * block,
    ]
    return [TensorType(x.elementType, shape)]
  }

  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy {
    let x = try inputs.required(0)
    let (height, width, depth) = (x.shape[2], x.shape[3], output.shape[1])
    let plane = height * width
    let (row, column, channel) =
      placeIsFaster
      ? (block * plane, plane, block * block * plane)
      : (block * depth * plane, depth * plane, plane)
    return StridedCopy(
      [x.shape[0], depth, height, block, width, block],
      from: [x.shape[1] * plane, channel, width, row, 1, column],
      to: [
        depth * block * block * plane, block * block * plane, block * width * block,
        width * block, block, 1,
      ], elementBytes: x.elementBytes)
  }

  /// Carries the gradient back: `∂x` gathers `∂y` where the copy took it from.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [try derivation.adjoint(of: copy(derivation.inputs, derivation.outputs[0]))]
  }
}

extension DepthToSpace: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
