import GraphIR
import Tensors

/// The bits of an integer moved left or right by as many places as the second input says.
///
/// Moved right, a signed number keeps its sign. A move by less than zero or by all bits leaves what
/// fills the places: −1 of a negative number moved right, else 0.
struct BitShift: ArithmeticOperator {
  static let opType = "BitShift"
  static let elementTypes = ElementType.wholes

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
    guard b >= 0, b < Number.bitWidth else { return movesLeft || a >= 0 ? 0 : ~0 }
    return movesLeft ? a &<< b : a &>> b
  }
}
