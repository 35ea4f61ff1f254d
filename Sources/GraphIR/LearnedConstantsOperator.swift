/// An operator that says itself which of its constant operands a network has learnt.
///
/// Weights of a ``WeightedOperator`` and parameters of a ``ParameterizedOperator`` are learnt
/// without it. All other constants of known operators are numbers of the computation: statistics,
/// grids, anchors, strides, scales of quantisation.
public protocol LearnedConstantsOperator: Operator {
  /// The inputs that count as parameters where they are constant.
  ///
  /// - Parameter inputs: What is known of each input.
  func learnedInputs(_ inputs: [Operand?]) -> [Int]
}

extension LearnedConstantsOperator where Self: ParameterizedOperator {
  /// The inputs that training moves.
  public func learnedInputs(_ inputs: [Operand?]) -> [Int] { parameterSlots.map(\.input) }
}

extension Operator {
  /// The inputs that count as parameters where they are constant.
  ///
  /// - Parameter inputs: What is known of each input.
  public func parameterInputs(_ inputs: [Operand?]) -> [Int] {
    if let own = self as? any LearnedConstantsOperator { return own.learnedInputs(inputs) }
    let weights = (self as? any WeightedOperator)?.weightSlots.map(\.input) ?? []
    let trained = (self as? any ParameterizedOperator)?.parameterSlots.map(\.input) ?? []
    return weights + trained.filter { !weights.contains($0) }
  }
}
