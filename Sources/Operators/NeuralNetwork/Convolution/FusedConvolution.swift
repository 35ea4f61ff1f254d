import GraphIR
import Kernels
import Tensors

/// A convolution with what follows it: `activation(x ⋆ w + bias + residual)`, or the residual
/// added after the activation.
///
/// The engine's own operator, which only its rewrites make; files never hold it. Inputs: those of
/// ``Conv``, then the residual of the output's shape. Attributes: those of ``Conv``, `activation` with
/// `activation_params` (see ``Activation/init(name:parameters:)``), and `residual`: `none`, `before`
/// or `after` the activation.
struct FusedConvolution: PreparedOperator, CostedOperator {
  static let opType = "FusedConv"
  static let domain = "compress"

  let rule: ConvolutionRule
  let epilogue: Epilogue

  init(attributes: Attributes, opset: Int) throws {
    rule = try ConvolutionRule(attributes)
    let activation = try Activation(
      name: attributes.string("activation", default: "Identity"),
      parameters: attributes.floats("activation_params") ?? [])
    let residual = try attributes.string("residual", default: "none")
    guard let place = Epilogue.Residual(name: residual) else {
      throw AttributeError.invalid(
        name: "residual", reason: "is '\(residual)', expected none, before or after")
    }
    epilogue = Epilogue(activation: activation, residual: place)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try rule.inferTypes(inputs, residual: epilogue.residual)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try rule.kernel(site, epilogue: epilogue)
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    rule.macs(x: inputs[0], w: inputs[1])
  }

  var outputMemory: OutputMemory {
    epilogue.residual == .none ? .separate : .inPlace(inputs: [3])
  }
}

extension Epilogue.Residual {
  /// The place that ``FusedConvolution``'s attribute names.
  init?(name: String) {
    switch name {
    case "none": self = .none
    case "before": self = .beforeActivation
    case "after": self = .afterActivation
    default: return nil
    }
  }

  /// What ``FusedConvolution``'s attribute calls the place.
  var name: String {
    switch self {
    case .none: "none"
    case .beforeActivation: "before"
    case .afterActivation: "after"
    }
  }
}

extension Activation {
  /// The activation of a name and its parameters, as ``FusedConvolution`` writes them.
  ///
  /// Names are ONNX's, with `Silu` and `Identity`; parameters in the order of the cases' own.
  init(name: String, parameters: [Float]) throws {
    func check(_ count: Int) throws {
      guard parameters.count == count else {
        throw AttributeError.invalid(
          name: "activation_params", reason: "is \(parameters), \(name) takes \(count) numbers")
      }
    }
    switch name {
    case "LeakyRelu", "Elu": try check(1)
    case "Clip", "HardSigmoid": try check(2)
    default: try check(0)
    }
    switch name {
    case "Identity": self = .identity
    case "Relu": self = .relu
    case "LeakyRelu": self = .leakyRelu(slope: parameters[0])
    case "Clip": self = .clip(lowest: parameters[0], highest: parameters[1])
    case "Sigmoid": self = .sigmoid
    case "Silu": self = .silu
    case "HardSwish": self = .hardSwish
    case "HardSigmoid": self = .hardSigmoid(alpha: parameters[0], beta: parameters[1])
    case "Exp": self = .exp
    case "Tanh": self = .tanh
    case "Elu": self = .elu(alpha: parameters[0])
    default:
      throw AttributeError.invalid(name: "activation", reason: "is '\(name)', which is not known")
    }
  }

  /// The name and parameters that ``init(name:parameters:)`` takes.
  var named: (name: String, parameters: [Float]) {
    switch self {
    case .identity: ("Identity", [])
    case .relu: ("Relu", [])
    case .leakyRelu(let slope): ("LeakyRelu", [slope])
    case .clip(let lowest, let highest): ("Clip", [lowest, highest])
    case .sigmoid: ("Sigmoid", [])
    case .silu: ("Silu", [])
    case .hardSwish: ("HardSwish", [])
    case .hardSigmoid(let alpha, let beta): ("HardSigmoid", [alpha, beta])
    case .exp: ("Exp", [])
    case .tanh: ("Tanh", [])
    case .elu(let alpha): ("Elu", [alpha])
    }
  }
}
