import GraphIR
import Tensors

extension Derivation {
  /// A value made to have mean 0 and variance 1 along some axes, and the gradient carried back
  /// through that.
  ///
  /// `x̂ = (x − mean) / √(variance + ε)` and, for `g = ∂loss/∂x̂`,
  /// `∂x = (g − mean(g) − x̂ · mean(g · x̂)) / √(variance + ε)`.
  mutating func standardized(
    _ x: String, gradient: String, along axes: [Int], of shape: [Int], epsilon: Float
  ) -> (value: String, gradient: String) {
    let share = 1 / Float(max(axes.reduce(1) { $0 * shape[$1] }, 1))
    func mean(_ value: String, _ derivation: inout Derivation) -> String {
      derivation.scaled(derivation.summed(value, along: axes), by: share)
    }
    let centred = self("Sub", x, mean(x, &self))
    let variance = mean(product(centred, centred), &self)
    let deviation = self("Sqrt", self("Add", variance, constant(epsilon)))
    let value = self("Div", centred, deviation)
    let along = product(value, mean(product(gradient, value), &self))
    let rest = self("Sub", self("Sub", gradient, mean(gradient, &self)), along)
    return (value, self("Div", rest, deviation))
  }
}
