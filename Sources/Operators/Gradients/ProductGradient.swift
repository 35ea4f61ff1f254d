import GraphIR
import Tensors

/// The gradient of ``ReduceProd``'s input: `∂xᵢ = ∂y · Π_{j≠i} xⱼ` along the folded axes.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y` with the folded axes of
/// extent 1, x. Attribute: `axes`. Products of what comes before and after each factor are formed,
/// so that zeros do no harm.
struct ProductGradient: PreparedOperator {
  static let opType = "ProductGradient"
  static let domain = "compress"

  private let axes: [Int]

  init(attributes: Attributes, opset: Int) throws {
    axes = try attributes.ints("axes") ?? []
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let x = try inputs.required(1)
    try inputs.required(0).check(0, holds: .float32)
    try x.check(1, holds: .float32)
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = try site.inputs.required(1).shape
    let strides = shape.contiguousStrides
    func offsets(_ chosen: [Int]) -> [Int] {
      chosen.reduce([0]) { offsets, axis in
        offsets.flatMap { base in (0..<shape[axis]).map { base + $0 * strides[axis] } }
      }
    }
    let origins = offsets(shape.indices.filter { !axes.contains($0) })
    let factors = offsets(axes)
    return Kernel(algorithm: "") { call in
      let gradient = try call.input(0).words(as: Float.self)
      let x = try call.input(1).words(as: Float.self)
      let result = call.outputs[0].words(as: Float.self)
      for (group, origin) in origins.enumerated() {
        var product = Double(gradient[group])
        for offset in factors {
          result[origin + offset] = Float(product)
          product *= Double(x[origin + offset])
        }
        product = 1
        for offset in factors.reversed() {
          result[origin + offset] *= Float(product)
          product *= Double(x[origin + offset])
        }
      }
    }
  }
}
