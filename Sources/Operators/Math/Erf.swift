import Foundation
import GraphIR

/// The Gauss error function `2/√π ∫₀ˣ exp(−t²) dt`.
struct Erf: UnaryMathOperator {
  static let opType = "Erf"

  init(attributes: Attributes, opset: Int) {}

  func real<Number: WideReal>(_ x: Number) -> Number { Number(erf(x.double)) }
}
