import CKernels

/// A function of one variable that kernels apply to each element of a result.
public enum Activation: Sendable, Hashable {
  case identity
  /// `max(x, 0)`
  case relu
  /// `x` for `x ≥ 0`, `slope·x` below.
  case leakyRelu(slope: Float)
  /// `min(max(x, lowest), highest)`
  case clip(lowest: Float, highest: Float)
  /// `1 / (1 + e⁻ˣ)`
  case sigmoid
  /// `x / (1 + e⁻ˣ)`
  case silu
  /// `x · min(max(x + 3, 0), 6) / 6`
  case hardSwish
  /// `min(max(alpha·x + beta, 0), 1)`
  case hardSigmoid(alpha: Float, beta: Float)
  /// `eˣ`
  case exp
  case tanh
  /// `x` for `x ≥ 0`, `alpha·(eˣ − 1)` below.
  case elu(alpha: Float)

  var parameters: ck_activation {
    func make(_ function: ck_function, _ a: Float = 0, _ b: Float = 0) -> ck_activation {
      ck_activation(function: function, a: a, b: b)
    }
    return switch self {
    case .identity: make(CK_IDENTITY)
    case .relu: make(CK_RELU)
    case .leakyRelu(let slope): make(CK_LEAKY_RELU, slope)
    case .clip(let lowest, let highest): make(CK_CLIP, lowest, highest)
    case .sigmoid: make(CK_SIGMOID)
    case .silu: make(CK_SILU)
    case .hardSwish: make(CK_HARD_SWISH)
    case .hardSigmoid(let alpha, let beta): make(CK_HARD_SIGMOID, alpha, beta)
    case .exp: make(CK_EXP)
    case .tanh: make(CK_TANH)
    case .elu(let alpha): make(CK_ELU, alpha)
    }
  }
}

/// What a kernel does to each element of its result before storing it.
public struct Epilogue: Sendable, Hashable {
  /// Where a residual tensor of the result's shape is added.
  public enum Residual: Sendable, Hashable {
    case none
    case beforeActivation
    case afterActivation

    var mode: ck_residual {
      switch self {
      case .none: CK_RESIDUAL_NONE
      case .beforeActivation: CK_RESIDUAL_BEFORE
      case .afterActivation: CK_RESIDUAL_AFTER
      }
    }
  }

  /// The activation.
  public var activation: Activation
  /// The place of the residual.
  public var residual: Residual

  /// An epilogue; by default the result is stored as it is.
  public init(activation: Activation = .identity, residual: Residual = .none) {
    self.activation = activation
    self.residual = residual
  }
}
