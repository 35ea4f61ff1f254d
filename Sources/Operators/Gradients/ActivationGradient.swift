import GraphIR
import Kernels
import Tensors

/// The gradient of a ``PointFunction``: `∂x = ∂y · f′(x)`.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y` and x, of one shape.
/// Attributes: those of the function, and `function`, its qualified type.
struct ActivationGradient: Operator {
  static let opType = "ActivationGradient"
  static let domain = "compress"

  private let rules: any PointFunction

  init(attributes: Attributes, opset: Int) throws {
    rules = try PointFunctions.named(
      try attributes.string("function", default: ""), by: "function", attributes)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...2)
    let (gradient, x) = (try inputs.required(0), try inputs.required(1))
    try x.check(1, holds: .float32)
    try gradient.check(0, holds: .float32)
    try gradient.check(0, shape: x.shape, "the gradient")
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    let gradient = try call.input(0).words(as: Float.self)
    let (x, result) = (try call.input(1), call.outputs[0].words(as: Float.self))
    let source = x.words(as: Float.self)
    if let activation = rules.activation {
      Elementwise.mapGradient(
        activation, of: gradient, at: source, to: result, count: x.count, pool: call.pool)
    } else {
      ElementLoop.forEachPart(x.count, pool: call.pool) { range in
        for index in range {
          result[index] = gradient[index] * Float(rules.slope(Double(source[index])))
        }
      }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0, 1]) }
}
