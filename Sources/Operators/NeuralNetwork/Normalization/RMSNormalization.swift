import GraphIR
import Tensors

/// `y = γ x / √(mean(x²) + ε)` over the axes from `axis` on; γ broadcasts to x.
///
/// Reference: Zhang and Sennrich, *Root Mean Square Layer Normalization*, arXiv:1910.07467.
struct RMSNormalization: PreparedOperator, DifferentiableOperator, FiniteOperandsOperator {
  static let opType = "RMSNormalization"

  let axis: Int
  let epsilon: Float

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, scale) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32, .float64)
    try scale.check(1, holds: x.elementType)
    _ = try axis.axis(ofRank: x.shape.count)
    guard try Broadcasting.shape([x.shape, scale.shape]) == x.shape else {
      throw OperatorError.incompatible(
        [x.shape, scale.shape], reason: "do not fit as values and their scale")
    }
    return [x.type]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let (shape, scale) = (site.outputs[0].shape, try site.inputs.required(1).shape)
    let first = try axis.axis(ofRank: shape.count)
    let strides = Broadcasting.strides(of: scale, in: shape)
    let runs = Self.offsets(Array(shape[..<first]), Array(strides[..<first]))
    let places = Self.offsets(Array(shape[first...]), Array(strides[first...]))
    return Kernel(algorithm: "") { call in
      call.outputs[0].elementType == .float32
        ? normalize(call, Float.self, runs, places) : normalize(call, Double.self, runs, places)
    }
  }

  /// Where each place of a box lies in memory of the given strides, in order.
  private static func offsets(_ shape: [Int], _ strides: [Int]) -> [Int] {
    zip(shape, strides).reduce([0]) { offsets, axis in
      offsets.flatMap { offset in (0..<axis.0).map { offset + $0 * axis.1 } }
    }
  }

  private func normalize<Element: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Element.Type, _ runs: [Int], _ places: [Int]
  ) {
    guard let x = call.inputs[0]?.elements(as: Element.self),
      let scale = call.inputs[1]?.elements(as: Element.self)
    else { return }
    let y = call.outputs[0].elements(as: Element.self)
    call.pool.forEach(runs.count) { run in
      let start = run * places.count
      var sum = 0.0
      for place in places.indices { sum += Double(x[start + place]) * Double(x[start + place]) }
      let meanSquare = sum / Double(max(places.count, 1))
      let factor = 1 / (meanSquare + Double(epsilon)).squareRoot()
      for (place, offset) in places.enumerated() {
        y[start + place] = Element(Double(x[start + place]) * factor) * scale[runs[run] + offset]
      }
    }
  }

  /// With `x̂ = x / r`, `r = √(mean(x²) + ε)` and `g = ∂y · γ`: `∂x = (g − x̂ · mean(g · x̂)) / r`,
  /// `∂γ = Σ ∂y · x̂`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let axes = Array(try axis.axis(ofRank: shape.count)..<shape.count)
    let share = 1 / Float(max(shape[axes[0]...].product, 1))
    let (x, dy) = (derivation.input(0), derivation.gradient())
    let squares = derivation.summed(derivation.product(x, x), along: axes)
    let shifted = derivation(
      "Add", derivation.scaled(squares, by: share), derivation.constant(epsilon))
    let root = derivation("Sqrt", shifted)
    let normal = derivation("Div", x, root)
    var results: [String?] = [nil, nil]
    if derivation.wants(0) {
      let gradient = derivation.product(dy, derivation.input(1))
      let along = derivation.summed(derivation.product(gradient, normal), along: axes)
      let mean = derivation.scaled(along, by: share)
      let rest = derivation("Sub", gradient, derivation.product(normal, mean))
      results[0] = derivation("Div", rest, root)
    }
    results[1] = try derivation.folded(derivation.product(dy, normal), toInput: 1)
    return results
  }
}

extension RMSNormalization: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    let rank = outputs[0].shape.count
    return (try? axis.axis(ofRank: rank)).map { .normalized(axes: Array($0..<rank)) }
  }
}

extension RMSNormalization: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { [1] }
}
