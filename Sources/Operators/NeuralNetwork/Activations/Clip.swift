import GraphIR
import Kernels
import Tensors

/// `min(max(x, lowest), highest)`; the bounds are attributes up to opset 10, inputs from 11 on.
struct Clip: Operator, DifferentiableOperator {
  static let opType = "Clip"

  let lowest: Float
  let highest: Float

  init(attributes: Attributes, opset: Int) throws {
    lowest = opset < 11 ? try attributes.float("min", default: -Float.infinity) : -.infinity
    highest = opset < 11 ? try attributes.float("max", default: .infinity) : .infinity
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...3)
    let x = try inputs.required(0)
    try x.check(
      0, holds: .float32, .float64, .float16, .bfloat16, .int8, .int16, .int32, .int64, .uint8,
      .uint16, .uint32, .uint64)
    for index in 1...2 {
      guard let bound = inputs.optional(index) else { continue }
      try bound.check(index, holds: x.elementType)
      guard bound.type.count == 1 else {
        throw OperatorError.shape(input: index, found: bound.shape, reason: "is not one number")
      }
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0] else { return }
    switch x.elementType {
    case .float32:
      let low = bound(call, 1, Float.self) ?? lowest
      let high = bound(call, 2, Float.self) ?? highest
      Elementwise.map(
        .clip(lowest: low, highest: high), from: x.base.assumingMemoryBound(to: Float.self),
        to: call.outputs[0].base.assumingMemoryBound(to: Float.self), count: x.count,
        pool: call.pool)
    case .float64:
      clip(
        call, bound(call, 1, Double.self) ?? Double(lowest),
        bound(call, 2, Double.self) ?? Double(highest))
    case .float16:
      clip(
        call, bound(call, 1, Float16.self) ?? Float16(lowest),
        bound(call, 2, Float16.self) ?? Float16(highest))
    case .bfloat16:
      let low = bound(call, 1, BFloat16.self)?.float ?? lowest
      let high = bound(call, 2, BFloat16.self)?.float ?? highest
      ElementLoop.map(x, call.outputs[0], pool: call.pool) {
        min(max($0, Double(low)), Double(high))
      }
    case .int8: clip(call, Int8.self)
    case .int16: clip(call, Int16.self)
    case .int32: clip(call, Int32.self)
    case .int64: clip(call, Int64.self)
    case .uint8: clip(call, UInt8.self)
    case .uint16: clip(call, UInt16.self)
    case .uint32: clip(call, UInt32.self)
    default: clip(call, UInt64.self)
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  private func bound<Element: TensorElement>(
    _ call: OperatorCall, _ index: Int, _: Element.Type
  ) -> Element? {
    guard call.inputs.indices.contains(index) else { return nil }
    return call.inputs[index]?.elements(as: Element.self)[0]
  }

  private func clip<Element: TensorElement & FixedWidthInteger>(
    _ call: OperatorCall, _: Element.Type
  ) {
    clip(call, bound(call, 1, Element.self) ?? .min, bound(call, 2, Element.self) ?? .max)
  }

  private func clip<Element: TensorElement & Comparable>(
    _ call: OperatorCall, _ low: Element, _ high: Element
  ) {
    guard let x = call.inputs[0]?.elements(as: Element.self) else { return }
    let y = call.outputs[0].elements(as: Element.self)
    ElementLoop.forEachPart(x.count, pool: call.pool) { range in
      for index in range {
        let raised = x[index] < low ? low : x[index]
        y[index] = raised > high ? high : raised
      }
    }
  }

  /// Carries the gradient back: `∂y` within the bounds, 0 outside; bounds have no derivative.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    func bound(_ index: Int, _ fallback: Float) throws -> Float {
      guard derivation.inputs.indices.contains(index), let operand = derivation.inputs[index] else {
        return fallback
      }
      guard let constant = operand.constant else {
        throw OperatorError.unsupported("a derivative with bounds that are not constant")
      }
      return constant.floats[0]
    }
    let attributes: Attributes = [
      "function": .string(Array(Self.opType.utf8)), "min": .float(try bound(1, lowest)),
      "max": .float(try bound(2, highest)),
    ]
    return [
      derivation(
        ActivationGradient.opType, domain: ActivationGradient.domain, derivation.gradient(),
        derivation.input(0), attributes: attributes)
    ]
  }
}

extension Clip: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
