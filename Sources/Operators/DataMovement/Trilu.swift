import GraphIR
import Tensors

/// The upper or lower triangle of each matrix, zeros elsewhere.
///
/// The second input moves the diagonal: to the right where positive.
struct Trilu: PreparedOperator, DifferentiableOperator {
  static let opType = "Trilu"

  let keepsUpper: Bool

  init(attributes: Attributes, opset: Int) throws {
    keepsUpper = try attributes.flag("upper", default: true)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...2)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    guard x.shape.count >= 2 else {
      throw OperatorError.shape(input: 0, found: x.shape, reason: "is no matrix")
    }
    _ = try inputs.optional(1)?.constantInteger(1)
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let x = try site.inputs.required(0)
    let (rank, bytes) = (x.shape.count, x.elementBytes)
    let (rows, columns) = (x.shape[rank - 2], x.shape[rank - 1])
    let matrices = x.shape[..<(rank - 2)].product
    return Kernel(algorithm: "") { call in
      let (x, y) = (try call.input(0), call.outputs[0])
      if x.base != y.base { y.bytes.copyMemory(from: UnsafeRawBufferPointer(x.bytes)) }
      let diagonal = max(-rows - 1, min(columns + 1, call.optionalInput(1)?.integer(at: 0) ?? 0))
      for row in 0..<matrices * rows {
        let first = row % rows + diagonal
        let cleared =
          keepsUpper
          ? 0..<max(0, min(columns, first)) : max(0, min(columns, first + 1))..<columns
        (y.base + (row * columns + cleared.lowerBound) * bytes).initializeMemory(
          as: UInt8.self, repeating: 0, count: cleared.count * bytes)
      }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Carries the gradient back through the triangle that is kept.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let inputs = [derivation.gradient()] + derivation.node.inputs.dropFirst()
    return [
      derivation.append("Trilu", inputs, outputs: 1, attributes: derivation.node.attributes)[0],
      nil,
    ]
  }
}
