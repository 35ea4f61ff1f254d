import GraphIR
import Kernels
import Tensors

/// An operator that maps each element of its one input by itself, in place where possible.
protocol ActivationOperator: PointFunction, DifferentiableOperator, ChannelOperator {}

extension ActivationOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64, .float16, .bfloat16)
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0] else { return }
    let y = call.outputs[0]
    if let activation, x.elementType == .float32 {
      Elementwise.map(
        activation, from: x.base.assumingMemoryBound(to: Float.self),
        to: y.base.assumingMemoryBound(to: Float.self), count: x.count, pool: call.pool)
    } else {
      ElementLoop.map(x, y, pool: call.pool) { self.value($0) }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }

  /// Carries the gradient back: `∂x = ∂y · f′(x)`.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [derivation.pointGradient(derivation.node.attributes)]
  }
}

extension ActivationOperator {
  func channelFlow(inputs: [Operand?], outputs: [TensorType]) -> ChannelFlow? { .aligned }
}
