import Foundation

extension Optimizer {
  /// Adam with decoupled weight decay: `w ← w − η·λ·w − η·m̂ / (√v̂ + ε)`.
  ///
  /// `m ← β₁·m + (1 − β₁)·g`, `v ← β₂·v + (1 − β₂)·g²`, and hats divide by `1 − βᵗ`.
  ///
  /// Reference: Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019,
  /// arXiv:1711.05101. As in PyTorch the decay is multiplied by the learning rate; the paper has a
  /// separate schedule for it.
  public static func adamW(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8
  ) -> Optimizer {
    Optimizer(
      name: "adamw", summary: "Adam with decoupled weight decay",
      citation: "Loshchilov and Hutter, ICLR 2019, arXiv:1711.05101", slots: 2
    ) { call in
      let (w, gradient) = (call.values, call.gradient)
      let (m, v) = (call.state[0], call.state[1])
      let time = Double(call.step + 1)
      let first = Float(1 / (1 - pow(Double(beta1), time)))
      let second = Float(1 / (1 - pow(Double(beta2), time)))
      let keep = 1 - call.learningRate * call.weightDecay
      for index in 0..<call.count {
        let g = gradient[index] * call.gradientScale
        m[index] = beta1 * m[index] + (1 - beta1) * g
        v[index] = beta2 * v[index] + (1 - beta2) * g * g
        let change = m[index] * first / ((v[index] * second).squareRoot() + epsilon)
        w[index] = w[index] * keep - call.learningRate * change
      }
    }
  }
}
