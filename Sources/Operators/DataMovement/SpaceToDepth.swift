import GraphIR
import Tensors

/// Blocks of space gathered into channels: `[N, C, H, W]` becomes `[N, C·b², H/b, W/b]`, the place
/// within a block being the slower part of the channel, or the faster one in mode `CRD`.
struct SpaceToDepth: StridedCopyOperator, DifferentiableOperator {
  static let opType = "SpaceToDepth"

  let block: Int
  let isColumnRowDepth: Bool

  init(attributes: Attributes, opset: Int) throws {
    block = try Self.block(attributes)
    let mode = try attributes.string("mode", default: "DCR")
    guard mode == "DCR" || mode == "CRD" else {
      throw AttributeError.invalid(name: "mode", reason: "is '\(mode)', expected DCR or CRD")
    }
    isColumnRowDepth = mode == "CRD"
  }

  /// The extent of a block, checked.
  static func block(_ attributes: Attributes) throws -> Int {
    let block = try attributes.requiredInt("blocksize")
    guard (1...1 << 15).contains(block) else {
      throw AttributeError.invalid(name: "blocksize", reason: "is \(block), expected 1 to 32768")
    }
    return block
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    try x.check(0, rank: 4...4)
    guard x.shape[2] % block == 0, x.shape[3] % block == 0 else {
      throw OperatorError.shape(
        input: 0, found: x.shape, reason: "has extents that blocks of \(block) do not divide")
    }
    let shape = [
      x.shape[0], x.shape[1] * block * block, x.shape[2] / block, x.shape[3] / block,
    ]
    return [TensorType(x.elementType, shape)]
  }

  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy {
    let x = try inputs.required(0)
    let (channels, height, width) = (x.shape[1], output.shape[2], output.shape[3])
    let plane = height * width
    let whole = plane * block * block
    let (place, channel) =
      isColumnRowDepth ? (plane, plane * block * block) : (channels * plane, plane)
    return StridedCopy(
      [x.shape[0], block, block, channels, height, width],
      from: [channels * whole, width * block, 1, whole, width * block * block, block],
      to: [channels * whole, block * place, place, channel, width, 1],
      elementBytes: x.elementBytes)
  }

  /// Carries the gradient back: `∂x` gathers `∂y` where the copy took it from.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [try derivation.adjoint(of: copy(derivation.inputs, derivation.outputs[0]))]
  }
}

extension SpaceToDepth: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
