import GraphIR
import Kernels
import Tensors

/// `min(max(x, lowest), highest)`; the bounds are attributes up to opset 10, inputs from 11 on.
struct Clip: DifferentiableOperator {
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
    let operands = Dictionary(
      zip(derivation.node.inputs, derivation.inputs), uniquingKeysWith: { first, _ in first })
    guard
      let attributes = pointAttributes(
        derivation.node, constant: { operands[$0].flatMap { $0?.constant } })
    else { throw OperatorError.unsupported("a derivative with bounds that are not constant") }
    return [derivation.pointGradient(attributes)]
  }
}

extension Clip: PointFunction, ClampOperator {
  /// Bounds as attributes are those of the first opsets.
  static func function(_ attributes: Attributes) throws -> Clip {
    try Clip(attributes: attributes, opset: 6)
  }

  func value(_ x: Double) -> Double {
    x.isNaN ? x : min(max(x, Double(lowest)), Double(highest))
  }

  /// 1 within the bounds, 0 outside.
  func slope(_ x: Double) -> Double { x < Double(lowest) || x > Double(highest) ? 0 : 1 }

  var activation: Activation? { .clip(lowest: lowest, highest: highest) }

  func pointAttributes(_ node: Node, constant: (String) -> Tensor?) -> Attributes? {
    guard let (low, high) = ends(node, constant) else { return nil }
    return ["min": .float(low), "max": .float(high)]
  }

  func bounds(_ node: Node, constant: (String) -> Tensor?) -> ClosedRange<Float>? {
    guard let (low, high) = ends(node, constant), low <= high else { return nil }
    return low...high
  }

  private func ends(
    _ node: Node, _ constant: (String) -> Tensor?
  ) -> (low: Float, high: Float)? {
    func end(_ slot: Int, _ fallback: Float) -> Float? {
      guard node.inputs.count > slot, !node.inputs[slot].isEmpty else { return fallback }
      guard let value = constant(node.inputs[slot]), value.elementType == .float32,
        value.count == 1
      else { return nil }
      return value.floats[0]
    }
    guard let low = end(1, lowest), let high = end(2, highest) else { return nil }
    return (low, high)
  }
}

extension Clip: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
