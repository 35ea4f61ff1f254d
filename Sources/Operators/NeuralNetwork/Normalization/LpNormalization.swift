import GraphIR
import Tensors

/// Each run along an axis divided by its norm, the sum of magnitudes (p = 1) or the Euclidean one
/// (p = 2); zeros stay.
struct LpNormalization: Operator, DifferentiableOperator {
  static let opType = "LpNormalization"

  let axis: Int
  let isEuclidean: Bool

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: -1)
    let order = try attributes.int("p", default: 2)
    guard order == 1 || order == 2 else {
      throw AttributeError.invalid(name: "p", reason: "is \(order), expected 1 or 2")
    }
    isEuclidean = order == 2
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    _ = try axis.axis(ofRank: x.shape.count)
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    try call.outputs[0].elementType == .float32
      ? normalize(call, Float.self) : normalize(call, Double.self)
  }

  private func normalize<Element: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Element.Type
  ) throws {
    let x = try call.input(0).elements(as: Element.self)
    let y = call.outputs[0].elements(as: Element.self)
    let shape = call.outputs[0].shape
    let axis = try axis.axis(ofRank: shape.count)
    let (count, inner) = (shape[axis], shape[(axis + 1)...].product)
    call.pool.forEach(shape[..<axis].product * inner) { run in
      let first = run / inner * count * inner + run % inner
      let places = stride(from: first, to: first + count * inner, by: inner)
      var sum = 0.0
      for place in places {
        sum += isEuclidean ? Double(x[place]) * Double(x[place]) : abs(Double(x[place]))
      }
      let norm = isEuclidean ? sum.squareRoot() : sum
      for place in places { y[place] = norm == 0 ? 0 : Element(Double(x[place]) / norm) }
    }
  }

  /// With the norm n: `∂x = (∂y − s · Σ ∂y · y) / n`, s being the sign of x (p = 1) or y itself (p
  /// = 2).
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let axes = [try axis.axis(ofRank: try derivation.type(0).shape.count)]
    let (x, y, dy) = (derivation.input(0), derivation.output(0), derivation.gradient())
    let powers = isEuclidean ? derivation.product(x, x) : derivation("Abs", x)
    let sum = derivation.summed(powers, along: axes)
    let norm = isEuclidean ? derivation("Sqrt", sum) : sum
    let along = derivation.summed(derivation.product(dy, y), along: axes)
    let direction = isEuclidean ? y : derivation("Sign", x)
    let rest = derivation("Sub", dy, derivation.product(direction, along))
    return [derivation("Div", rest, norm)]
  }
}

extension LpNormalization: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    (try? axis.axis(ofRank: outputs[0].shape.count)).map { .normalized(axes: [$0]) }
  }
}
