import GraphIR
import Tensors

/// A new axis of extent `depth` that holds the *on* value where the index says, *off* elsewhere.
///
/// Inputs: indices, depth and the two values off, on. Indices may count from the end; beyond the
/// axis there is no *on* value.
struct OneHot: PreparedOperator {
  static let opType = "OneHot"

  let axis: Int

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: -1)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let (indices, depth) = (try inputs.required(0), try inputs.required(1))
    let values = try inputs.required(2)
    try indices.check(0, holdsOneOf: ElementType.numbers)
    try depth.check(1, holdsOneOf: ElementType.numbers)
    try values.checkMovable(2)
    try values.check(2, shape: [2], "the values")
    guard depth.type.count == 1 else {
      throw OperatorError.shape(input: 1, found: depth.shape, reason: "is not one number")
    }
    let axis = try axis.axis(ofRank: indices.shape.count + 1)
    guard let extent = depth.constant?.doubles.first else { return nil }
    guard extent >= 0, extent < Double(TensorType.largestByteCount) else {
      throw OperatorError.unsupported("a depth of \(extent)")
    }
    var shape = indices.shape
    shape.insert(Int(extent), at: axis)
    return [try TensorType(checking: values.elementType, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = site.outputs[0].shape
    let axis = try axis.axis(ofRank: shape.count)
    let (extent, inner) = (shape[axis], shape[(axis + 1)...].product)
    let bytes = site.outputs[0].elementBytes
    let fill = StridedCopy([shape.product], from: [0], to: [1], elementBytes: bytes)
    return Kernel(algorithm: "") { call in
      let (indices, values, y) = (try call.input(0), try call.input(2), call.outputs[0])
      fill.run(from: values, to: y, pool: call.pool)
      for index in 0..<indices.count {
        let named = NumberConversion.double(indices, index)
        let place = named < 0 ? named + Double(extent) : named
        guard place >= 0, place < Double(extent) else { continue }
        let target = (index / inner * extent + Int(place)) * inner + index % inner
        (y.base + target * bytes).copyMemory(from: values.base + bytes, byteCount: bytes)
      }
    }
  }
}
