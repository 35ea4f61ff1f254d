import GraphIR
import Tensors

/// The places that `GridSample` reads for an affine map of each image.
///
/// Inputs: maps `[N, r, r + 1]`, r 2 or 3, and the size of the image to make, `[N, C, O₁, …, Oᵣ]`.
/// Output: `[N, O₁, …, Oᵣ, r]`, the last axis of the image first, where −1 and 1 are the outer
/// elements' centres (`align_corners`) or borders.
///
/// Reference: Jaderberg et al., *Spatial Transformer Networks*, NIPS 2015, arXiv:1506.02025.
struct AffineGrid: Operator {
  static let opType = "AffineGrid"

  let alignsCorners: Bool

  init(attributes: Attributes, opset: Int) throws {
    alignsCorners = try attributes.flag("align_corners", default: false)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (maps, size) = (try inputs.required(0), try inputs.required(1))
    try maps.check(0, holds: .float32, .float64)
    try maps.check(0, rank: 3...3)
    let axes = maps.shape[1]
    guard (2...3).contains(axes), maps.shape[2] == axes + 1 else {
      throw OperatorError.shape(input: 0, found: maps.shape, reason: "holds no affine maps")
    }
    try size.check(1, holds: .int64)
    try size.check(1, shape: [axes + 2], "the size")
    guard let extents = size.constant?.integers else { return nil }
    guard extents[0] == maps.shape[0] else {
      throw OperatorError.unsupported("\(maps.shape[0]) maps for \(extents[0]) images")
    }
    return [try TensorType(checking: maps.elementType, [extents[0]] + extents[2...] + [axes])]
  }

  func forward(_ call: OperatorCall) throws {
    try call.outputs[0].elementType == .float32 ? make(call, Float.self) : make(call, Double.self)
  }

  private func make<Real: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Real.Type
  ) throws {
    let maps = try call.input(0).words(as: Real.self)
    let y = call.outputs[0].words(as: Real.self)
    let shape = call.outputs[0].shape
    let extents = Array(shape.dropFirst().dropLast())
    let (axes, strides, count) = (extents.count, extents.contiguousStrides, extents.product)
    call.pool.forEach(shape[0]) { image in
      let map = maps + image * axes * (axes + 1)
      for place in 0..<count {
        for row in 0..<axes {
          var sum = map[row * (axes + 1) + axes]
          for column in 0..<axes {
            let axis = axes - 1 - column
            sum +=
              map[row * (axes + 1) + column]
              * coordinate(place / strides[axis] % extents[axis], extents[axis])
          }
          y[(image * count + place) * axes + row] = sum
        }
      }
    }
  }

  private func coordinate<Real: BinaryFloatingPoint>(_ index: Int, _ extent: Int) -> Real {
    if alignsCorners { return extent > 1 ? Real(2 * index) / Real(extent - 1) - 1 : 0 }
    return Real(2 * index + 1) / Real(extent) - 1
  }
}
