import GraphIR
import Tensors

extension Graph {
  /// Checks that the float constants of layers are finite: weights, biases, normalisations, slopes
  /// and scales.
  ///
  /// No other constant may hold NaN. Constants are initializers or `Constant` nodes. Operators that
  /// count as layers are `FiniteOperandsOperator`s.
  ///
  /// - Parameters:
  ///   - registry: The known operators.
  ///   - excluded: Names of nodes or constants that are not checked.
  /// - Throws: ``NotFinite/weight(name:node:element:number:)`` for the first.
  public func checkWeightsAreFinite(
    registry: OperatorRegistry, excluding excluded: [NamePattern] = []
  ) throws {
    let constants = self.constants
    var checked: Set<String> = []
    for node in nodes {
      let isLayer = registry.type(of: node) is any FiniteOperandsOperator.Type
      for name in node.inputs {
        guard let tensor = constants[name], tensor.elementType.isFloatingPoint,
          checked.insert("\(isLayer) \(name)").inserted,
          let found = tensor.firstNotFinite(allowsInfinity: !isLayer),
          !excluded.contains(where: { $0.matches(node.name) || $0.matches(name) })
        else { continue }
        throw NotFinite.weight(
          name: name, node: node.label, element: found.element, number: "\(found.number)")
      }
    }
  }
}

extension Tensor {
  /// The first NaN, or infinity where that is not allowed.
  fileprivate func firstNotFinite(allowsInfinity: Bool) -> (element: [Int], number: Double)? {
    if elementType == .float32 {
      guard let found = view.firstNotFinite else { return nil }
      if !allowsInfinity || found.number.isNaN { return (found.element, Double(found.number)) }
    }
    let numbers = doubles
    guard let index = numbers.firstIndex(where: { $0.isNaN || !allowsInfinity && !$0.isFinite })
    else { return nil }
    return (shape.indices(of: index), numbers[index])
  }
}
