import Tensors

extension Session {
  /// Writes fixed random numbers into the inputs, see `TensorView.fillRandomly(using:)`.
  public func fillInputs(seed: UInt64 = 0) {
    var random = CounterRandom(seed: seed)
    for (name, _) in inputs { input(name)?.fillRandomly(using: &random) }
  }
}
