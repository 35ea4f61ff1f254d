import GraphIR
import Tensors

/// An element, or `slope` times it when negative; the slope is broadcast to the input's shape.
///
/// Reference: He et al., *Delving Deep into Rectifiers*, ICCV 2015, arXiv:1502.01852.
struct PRelu: Operator, DifferentiableOperator {
  static let opType = "PRelu"

  init(attributes: Attributes, opset: Int) {}

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (x, slope) = (try inputs.required(0), try inputs.required(1))
    try x.check(0, holds: .float32, .float64)
    try slope.check(1, holds: x.elementType)
    let aligned = x.shape.suffix(slope.shape.count)
    let fits =
      slope.shape.count <= x.shape.count
      && zip(slope.shape, aligned).allSatisfy { $0 == 1 || $0 == $1 }
    guard fits else {
      throw OperatorError.incompatible(
        [x.shape, slope.shape], reason: "do not fit, the slope must broadcast to the input")
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    call.inputs[0]?.elementType == .float32
      ? run(call, Float.self) : run(call, Double.self)
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Slopes in detectors vary along the channel or not at all, so the last axes on which the slope
  /// has extent 1 form one run of equal slopes.
  private func run<Element: TensorElement & FloatingPoint>(
    _ call: OperatorCall, _: Element.Type
  ) {
    guard let x = call.inputs[0], let slope = call.inputs[1] else { return }
    let rank = x.shape.count
    let extents = [Int](repeating: 1, count: rank - slope.shape.count) + slope.shape
    var axis = rank
    while axis > 0, extents[axis - 1] == 1 { axis -= 1 }
    let run = x.shape[axis...].product
    let outer = Array(x.shape[..<axis])
    let slopes = Array(extents[..<axis])
    let strides = slopes.contiguousStrides
    let (source, target) = (
      x.elements(as: Element.self), call.outputs[0].elements(as: Element.self)
    )
    let slopeElements = slope.elements(as: Element.self)
    for row in 0..<outer.product {
      var (rest, place) = (row, 0)
      for index in outer.indices.reversed() {
        if slopes[index] != 1 { place += rest % outer[index] * strides[index] }
        rest /= outer[index]
      }
      let factor = slopeElements[place]
      for index in row * run..<(row + 1) * run {
        target[index] = source[index] < 0 ? factor * source[index] : source[index]
      }
    }
  }

  /// Carries the gradient back: `∂x = ∂y` or `slope · ∂y`, `∂slope = Σ ∂y · min(x, 0)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let dy = derivation.gradient()
    let zero = derivation.constant(0)
    let isNegative = derivation("Less", derivation.input(0), zero)
    let scaled = derivation.product(dy, derivation.input(1))
    let product = derivation("Where", isNegative, derivation.product(dy, derivation.input(0)), zero)
    return [
      derivation("Where", isNegative, scaled, dy), try derivation.folded(product, toInput: 1),
    ]
  }
}

extension PRelu: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}

extension PRelu: ParameterizedOperator {
  var parameterSlots: [ParameterSlot] { [ParameterSlot(input: 1, role: .bias)] }
}
