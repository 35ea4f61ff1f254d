import GraphIR
import Tensors

/// The bits of an unsigned number moved left or right by as many places as the second input says.
struct BitShift: ArithmeticOperator {
  static let opType = "BitShift"
  static let elementTypes: [ElementType] = [.uint8, .uint16, .uint32, .uint64]

  let movesLeft: Bool

  init(attributes: Attributes, opset: Int) throws {
    guard let direction = try attributes.string("direction") else {
      throw AttributeError.missing(name: "direction")
    }
    guard direction == "LEFT" || direction == "RIGHT" else {
      throw AttributeError.invalid(
        name: "direction", reason: "is '\(direction)', expected LEFT or RIGHT")
    }
    movesLeft = direction == "LEFT"
  }

  func whole<Number: FixedWidthInteger>(_ a: Number, _ b: Number) -> Number {
    movesLeft ? a << b : a >> b
  }
}
