import GraphIR
import Tensors

/// The gradient of ``Gather``'s data: slices of `∂y` summed over the places the indices name.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y`, indices. Attributes:
/// `axis` and `shape` of the data. Slices named several times sum in the order of the indices.
struct GatherGradient: PreparedOperator {
  static let opType = "GatherGradient"
  static let domain = "compress"

  private let axis: Int
  private let shape: [Int]

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.requiredInt("axis")
    shape = try attributes.ints("shape") ?? []
    guard shape.indices.contains(axis) else {
      throw AttributeError.invalid(name: "axis", reason: "is \(axis) of \(shape)")
    }
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    try inputs.required(0).check(0, holds: .float32)
    try inputs.required(1).check(1, holdsOneOf: ElementType.indices)
    return [try TensorType(checking: .float32, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (outer, extent, inner) = (
      shape[..<axis].product, shape[axis], shape[(axis + 1)...].product
    )
    let count = try site.inputs.required(1).type.count
    return Kernel(algorithm: "") { call in
      let gradient = try call.input(0).words(as: Float.self)
      let indices = try call.input(1)
      let result = call.outputs[0].words(as: Float.self)
      let places = try (0..<count).map { index in
        let named = indices.integer(at: index)
        let place = named < 0 ? named + extent : named
        guard place >= 0, place < extent else {
          throw OperatorErrors.index(named, extent: extent)
        }
        return place
      }
      call.pool.forEach(outer) { block in
        let target = result + block * extent * inner
        target.update(repeating: 0, count: extent * inner)
        for (index, place) in places.enumerated() {
          let source = gradient + (block * count + index) * inner
          let row = target + place * inner
          for element in 0..<inner { row[element] += source[element] }
        }
      }
    }
  }
}
