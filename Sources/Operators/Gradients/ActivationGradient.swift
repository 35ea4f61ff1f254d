import GraphIR
import Kernels
import Tensors

/// The gradient of an ``ActivationOperator``: `∂x = ∂y · f′(x)`.
///
/// The engine's own operator, which only derivatives make. Inputs: `∂y` and x, of one shape. Attributes: those of the
/// activation, and `function`, its qualified type; or `function` = `Clip` with `min` and `max`.
struct ActivationGradient: Operator {
  static let opType = "ActivationGradient"
  static let domain = "compress"

  private enum Slope {
    case kernel(Activation)
    case rule(any ActivationOperator)
  }

  private let slope: Slope

  init(attributes: Attributes, opset: Int) throws {
    let name = try attributes.string("function", default: "")
    if name == Clip.opType {
      slope = .kernel(
        .clip(
          lowest: try attributes.float("min", default: -.infinity),
          highest: try attributes.float("max", default: .infinity)))
      return
    }
    guard let type = Self.functions[name] else {
      throw AttributeError.invalid(name: "function", reason: "is '\(name)', which is no activation")
    }
    let rules = try type.init(attributes: attributes, opset: 21)
    slope = rules.activation.map { .kernel($0) } ?? .rule(rules)
  }

  private static let functions: [String: any ActivationOperator.Type] = {
    let types = StandardOperators.neuralNetwork.compactMap { $0 as? any ActivationOperator.Type }
    return Dictionary(
      types.map { (Node($0.opType, domain: $0.domain, inputs: [], outputs: []).qualifiedType, $0) },
      uniquingKeysWith: { first, _ in first })
  }()

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
    switch slope {
    case .kernel(let activation):
      Elementwise.mapGradient(
        activation, of: gradient, at: source, to: result, count: x.count, pool: call.pool)
    case .rule(let rules):
      ElementLoop.forEachPart(x.count, pool: call.pool) { range in
        for index in range {
          result[index] = gradient[index] * Float(rules.slope(Double(source[index])))
        }
      }
    }
  }

  var outputMemory: OutputMemory { .inPlace(inputs: [0, 1]) }
}
