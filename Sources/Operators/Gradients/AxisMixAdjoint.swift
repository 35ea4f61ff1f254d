import GraphIR
import Tensors

/// The adjoint of mixing elements along one axis: each element of `∂y` goes back, weighted, to
/// those it was mixed of.
///
/// The engine's own operator, which only derivatives of resizing make. Inputs: `∂y`, places
/// `[output, taps]` int32, weights `[output, taps]`. Attributes: `axis`, and `extent` of that axis
/// before the mixing.
struct AxisMixAdjoint: PreparedOperator {
  static let opType = "AxisMixAdjoint"
  static let domain = "compress"

  private let axis: Int
  private let extent: Int

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.requiredInt("axis")
    extent = try attributes.requiredInt("extent")
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...3)
    let gradient = try inputs.required(0)
    try gradient.check(0, holds: .float32)
    let places = try inputs.required(1)
    try places.check(1, holds: .int32)
    try places.check(1, rank: 2...2)
    try inputs.required(2).check(2, shape: places.shape, "the weights")
    var shape = gradient.shape
    shape[try axis.axis(ofRank: shape.count)] = extent
    return [try TensorType(checking: .float32, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let shape = try site.inputs.required(0).shape
    let taps = try site.inputs.required(1).shape[1]
    let (outer, output, inner) = (
      shape[..<axis].product, shape[axis], shape[(axis + 1)...].product
    )
    let extent = extent
    return Kernel(algorithm: "") { call in
      let gradient = try call.input(0).words(as: Float.self)
      let places = try call.input(1).words(as: Int32.self)
      let weights = try call.input(2).words(as: Float.self)
      let result = call.outputs[0].words(as: Float.self)
      call.pool.forEach(outer) { block in
        let target = result + block * extent * inner
        target.update(repeating: 0, count: extent * inner)
        for tap in 0..<output * taps {
          let source = gradient + (block * output + tap / taps) * inner
          let row = target + Int(places[tap]) * inner
          let weight = weights[tap]
          for element in 0..<inner { row[element] += weight * source[element] }
        }
      }
    }
  }
}

extension Derivation {
  /// The gradient of what was resized along the given axes, innermost first as the resize goes.
  mutating func adjoint(of axes: [AxisResampling]) throws -> String {
    var result = gradient()
    for (axis, mix) in axes.enumerated() where !mix.isIdentity {
      guard mix.outside.isEmpty else {
        throw OperatorError.unsupported("a derivative of resizing with extrapolation")
      }
      let shape = [mix.output, mix.taps]
      let weights = mix.weights.isEmpty ? mix.places.map { _ in Float(1) } : mix.weights
      result = self(
        AxisMixAdjoint.opType, domain: AxisMixAdjoint.domain, result,
        constant(Tensor(mix.places, shape: shape)), constant(Tensor(weights, shape: shape)),
        attributes: ["axis": .int(axis), "extent": .int(mix.input)])
    }
    return result
  }
}
