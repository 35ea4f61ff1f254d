import GraphIR
import Tensors

/// `y = (x − mean) / (√variance + 10⁻⁹)` over some axes, by default all but the channels'.
struct MeanVarianceNormalization: Operator, DifferentiableOperator {
  static let opType = "MeanVarianceNormalization"

  let axes: [Int]

  init(attributes: Attributes, opset: Int) throws {
    axes = try attributes.ints("axes") ?? [0, 2, 3]
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    _ = try axes.axes(ofRank: x.shape.count)
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
    let folded = Set(try axes.axes(ofRank: shape.count))
    let strides = shape.contiguousStrides
    let inner = Self.places(shape, strides, shape.indices.filter(folded.contains))
    let outer = Self.places(shape, strides, shape.indices.filter { !folded.contains($0) })
    call.pool.forEach(outer.count) { run in
      let origin = outer[run]
      let count = Double(max(inner.count, 1))
      let mean = inner.reduce(0.0) { $0 + Double(x[origin + $1]) } / count
      let variance = inner.reduce(0.0) { sum, place in
        let distance = Double(x[origin + place]) - mean
        return sum + distance * distance
      }
      let deviation = (variance / count).squareRoot() + 1e-9
      for place in inner {
        y[origin + place] = Element((Double(x[origin + place]) - mean) / deviation)
      }
    }
  }

  private static func places(_ shape: [Int], _ strides: [Int], _ axes: [Int]) -> [Int] {
    axes.reduce([0]) { places, axis in
      places.flatMap { place in (0..<shape[axis]).map { place + $0 * strides[axis] } }
    }
  }

  /// Carries the gradient back, see ``Derivation/standardized(_:gradient:along:of:epsilon:)``.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    return [
      derivation.standardized(
        derivation.input(0), gradient: derivation.gradient(),
        along: try axes.axes(ofRank: shape.count), of: shape, epsilon: 1e-18
      ).gradient
    ]
  }
}

extension MeanVarianceNormalization: ChannelOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? {
    (try? axes.axes(ofRank: outputs[0].shape.count)).map { .normalized(axes: $0) }
  }
}
