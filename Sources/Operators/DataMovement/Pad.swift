import GraphIR
import Tensors

/// The input with elements added before and after each axis, or taken away where a pad is negative.
///
/// What is added is a value (`constant`), the elements mirrored at the edge (`reflect`), the edge
/// itself (`edge`) or the elements of the other end (`wrap`). Pads and value are attributes up to
/// opset 10, inputs from 11 on; from 18 on an input may name the axes.
struct Pad: PreparedOperator, DifferentiableOperator {
  static let opType = "Pad"

  let mode: PadMode
  let attributes: (pads: [Int], value: Float)?

  init(attributes: Attributes, opset: Int) throws {
    let name = try attributes.string("mode", default: "constant")
    guard let mode = PadMode(rawValue: name) else {
      throw AttributeError.invalid(
        name: "mode", reason: "is '\(name)', expected constant, reflect, edge or wrap")
    }
    self.mode = mode
    guard opset < 11 else {
      self.attributes = nil
      return
    }
    guard let pads = try attributes.ints("pads") else {
      throw AttributeError.missing(name: "pads")
    }
    self.attributes = (pads, try attributes.float("value", default: 0))
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(attributes == nil ? 2...4 : 1...1)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    if let value = inputs.optional(2) {
      try value.check(2, holds: x.elementType)
      guard value.type.count == 1 else {
        throw OperatorError.shape(input: 2, found: value.shape, reason: "is not one number")
      }
    } else if attributes != nil {
      try x.check(0, holdsOneOf: [.float32, .float64, .float16])
    }
    guard let layout = try layout(x, inputs) else { return nil }
    return [try TensorType(checking: x.elementType, layout.shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let x = try site.inputs.required(0)
    guard let layout = try layout(x, site.inputs) else { throw OperatorErrors.dynamicTypes }
    guard mode == .constant else {
      let maps = layout.maps(mode)
      let gather = MappedCopy(maps, shape: x.shape, elementBytes: x.elementBytes)
      return Kernel(algorithm: mode.rawValue) { call in
        gather.run(from: try call.input(0), to: call.outputs[0], pool: call.pool)
      }
    }
    let copy = layout.copy(elementBytes: x.elementBytes)
    let fill = StridedCopy(
      [layout.shape.product], from: [0], to: [1], elementBytes: x.elementBytes)
    let fallback = fallbackValue(x.elementType)
    return Kernel(algorithm: "") { call in
      let value = call.optionalInput(2) ?? fallback.view
      fill.run(from: value, to: call.outputs[0], pool: call.pool)
      copy.run(from: try call.input(0), to: call.outputs[0], pool: call.pool)
      withExtendedLifetime(fallback) {}
    }
  }

  private func fallbackValue(_ type: ElementType) -> Tensor {
    let value = attributes?.value ?? 0
    switch type {
    case .float32: return Tensor(scalar: value)
    case .float64: return Tensor(scalar: Double(value))
    case .float16: return Tensor(scalar: Float16(value))
    default: return Tensor(zeros: TensorType(type, []))
    }
  }

  private func layout(_ x: Operand, _ inputs: [Operand?]) throws -> PadLayout? {
    guard let pads = try attributes?.pads ?? inputs.required(1).constantIntegers(1) else {
      return nil
    }
    var axes = Array(x.shape.indices)
    if let operand = inputs.optional(3) {
      guard let values = try operand.constantIntegers(3) else { return nil }
      axes = try values.axes(ofRank: x.shape.count)
    }
    return try PadLayout(x.shape, pads: pads, axes: axes, mode: mode)
  }

  /// Carries the gradient back: `∂x` is `∂y` without what was added; padding by a constant alone
  /// has a rule.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let x = Operand(type: try derivation.type(0))
    guard let layout = try layout(x, derivation.inputs) else { throw OperatorErrors.dynamicTypes }
    let dy = derivation.gradient()
    var results: [String?] = derivation.node.inputs.map { _ in nil }
    guard mode == .constant else {
      // Padding picks elements along one axis after the other; what was picked several times sums
      // up.
      var shape = layout.shape
      results[0] = layout.maps(mode).enumerated().reduce(dy) { gradient, map in
        shape[map.offset] = x.shape[map.offset]
        return derivation(
          GatherGradient.opType, domain: GatherGradient.domain, gradient,
          derivation.constant(Tensor(map.element.map(Int64.init))),
          attributes: ["axis": .int(map.offset), "shape": .ints(shape)])
      }
      return results
    }
    let dx = try derivation.adjoint(of: layout.copy(elementBytes: x.elementBytes))
    results[0] = dx
    if derivation.wants(2) {
      // The value's share is what the input's elements do not get.
      let all = derivation.summed(dy, along: Array(layout.shape.indices))
      let kept = derivation.summed(dx, along: Array(x.shape.indices))
      results[2] = derivation.reshaped(
        derivation("Sub", all, kept), to: try derivation.type(2).shape)
    }
    return results
  }
}

extension Pad: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .extended }
}
