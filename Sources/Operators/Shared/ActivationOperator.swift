import GraphIR
import Tensors

/// An operator that maps each element of its one input by itself, in place where possible.
protocol ActivationOperator: Operator {
  /// The value at one element.
  func value(_ x: Double) -> Double
}

extension ActivationOperator {
  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64, .float16, .bfloat16)
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    guard let x = call.inputs[0] else { return }
    ElementLoop.map(x, call.outputs[0], pool: call.pool) { self.value($0) }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0]) }
}
