import GraphIR

extension [ParameterSlot] {
  /// Weights in input 1 and a bias in input 2.
  static var weightAndBias: Self {
    [ParameterSlot(input: 1, role: .weight), ParameterSlot(input: 2, role: .bias)]
  }

  /// Scale and shift of a normalisation in inputs 1 and 2.
  static var scaleAndShift: Self {
    [
      ParameterSlot(input: 1, role: .normalisation), ParameterSlot(input: 2, role: .normalisation),
    ]
  }
}
