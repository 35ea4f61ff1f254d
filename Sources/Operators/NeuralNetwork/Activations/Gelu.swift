import Foundation
import GraphIR

/// `x Φ(x)` with the normal distribution's Φ, exactly or by the usual tanh formula.
///
/// Reference: Hendrycks and Gimpel, *Gaussian Error Linear Units*, arXiv:1606.08415.
struct Gelu: ActivationOperator {
  static let opType = "Gelu"

  let usesTanh: Bool

  init(attributes: Attributes, opset: Int) throws {
    let name = try attributes.string("approximate", default: "none")
    guard name == "none" || name == "tanh" else {
      throw AttributeError.invalid(name: "approximate", reason: "is '\(name)', not none or tanh")
    }
    usesTanh = name == "tanh"
  }

  func value(_ x: Double) -> Double { Self.value(x, usesTanh: usesTanh) }

  static func value(_ x: Double, usesTanh: Bool) -> Double {
    guard usesTanh else { return 0.5 * x * (1 + erf(x / 2.0.squareRoot())) }
    return 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  /// The derivative: `Φ(x) + x φ(x)`, or the derivative of the tanh formula.
  func slope(_ x: Double) -> Double {
    Self.slope(x, usesTanh: usesTanh)
  }
}

extension Gelu {
  static func slope(_ x: Double, usesTanh: Bool) -> Double {
    guard usesTanh else {
      let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
      return 0.5 * (1 + erf(x / 2.0.squareRoot())) + x * density
    }
    let scale = (2 / Double.pi).squareRoot()
    let t = tanh(scale * (x + 0.044715 * x * x * x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * scale * (1 + 3 * 0.044715 * x * x)
  }
}

/// ``Gelu`` as ONNX Runtime named it before ONNX had it.
struct MicrosoftGelu: ActivationOperator {
  static let opType = "Gelu"
  static let domain = "com.microsoft"

  init(attributes: Attributes, opset: Int) {}

  func value(_ x: Double) -> Double { Gelu.value(x, usesTanh: false) }

  /// See ``Gelu``.
  func slope(_ x: Double) -> Double { Gelu.slope(x, usesTanh: false) }
}
