extension Optimizer {
  /// Stochastic gradient descent with momentum: `g ← ∇ + λ·w`, `v ← µ·v + g`, `w ← w − η·v`.
  ///
  /// With Nesterov's correction `w ← w − η·(g + µ·v)`. The first step sets `v = g`, as PyTorch
  /// does.
  ///
  /// Reference: Sutskever et al., *On the importance of initialization and momentum in deep
  /// learning*, ICML 2013.
  ///
  /// - Precondition: `0 ≤ momentum < 1`.
  public static func sgd(momentum: Float = 0.9, nesterov: Bool = true) -> Optimizer {
    precondition(0 <= momentum && momentum < 1)
    return Optimizer(
      name: "sgd", summary: "momentum, with Nesterov's correction unless told otherwise",
      citation: "Sutskever et al., ICML 2013", slots: momentum == 0 ? 0 : 1
    ) { call in
      let (w, gradient) = (call.values, call.gradient)
      let (scale, decay, rate) = (call.gradientScale, call.weightDecay, call.learningRate)
      guard let velocity = call.state.first else {
        for index in 0..<call.count {
          w[index] -= rate * (gradient[index] * scale + decay * w[index])
        }
        return
      }
      let lookahead: Float = nesterov ? 1 : 0
      for index in 0..<call.count {
        let g = gradient[index] * scale + decay * w[index]
        let v = momentum * velocity[index] + g
        velocity[index] = v
        w[index] -= rate * (nesterov ? lookahead * g + momentum * v : v)
      }
    }
  }
}
