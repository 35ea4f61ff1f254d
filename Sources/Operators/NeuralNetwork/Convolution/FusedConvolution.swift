import GraphIR
import Kernels
import Tensors

/// A convolution with what follows it: `activation(x ⋆ w + bias + residual)`, or the residual
/// added after the activation.
///
/// The engine's own operator, which only its rewrites make; files never hold it. Inputs: those of
/// ``Conv``, then the residual of the output's shape. Attributes: those of ``Conv``, those of the
/// activation (see ``Attributes/fusedFunction()``), and `residual`: `none`, `before` or `after` the
/// activation. One that kernels do not know comes last, in a pass of its own over the output.
struct FusedConvolution: PreparedOperator, CostedOperator, FiniteOperandsOperator {
  static let opType = "FusedConv"
  static let domain = "compress"

  let rule: ConvolutionRule
  let epilogue: Epilogue
  /// The activation where kernels do not know it.
  private let last: (any PointFunction)?

  init(attributes: Attributes, opset: Int) throws {
    rule = try ConvolutionRule(attributes)
    let function = try attributes.fusedFunction()
    last = function?.activation == nil ? function : nil
    let residual = try attributes.string("residual", default: "none")
    guard let place = Epilogue.Residual(name: residual) else {
      throw AttributeError.invalid(
        name: "residual", reason: "is '\(residual)', expected none, before or after")
    }
    guard last == nil || place != .afterActivation else {
      throw AttributeError.invalid(name: "residual", reason: "comes after a function of no kernel")
    }
    epilogue = Epilogue(activation: function?.activation ?? .identity, residual: place)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try rule.inferTypes(inputs, residual: epilogue.residual)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    try rule.kernel(site, epilogue: epilogue).followed(by: last)
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
