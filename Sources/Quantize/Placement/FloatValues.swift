import Execution
import GraphIR

extension Graph {
  /// The values that hold float32, by inferred type, else by the declared one.
  ///
  /// Nothing else is ever quantised, whatever operator makes it: indices, shapes, masks and counts
  /// are exact.
  ///
  /// - Parameters:
  ///   - registry: The known operators.
  ///   - inputShapes: Shapes of dynamic inputs.
  public func floatValues(
    registry: OperatorRegistry, inputShapes: [String: [Int]] = [:]
  ) -> Set<String> {
    let types = (try? concreteInputTypes(inputShapes)) ?? []
    let operands = TypedGraph(self, registry: registry, inputs: types).operands
    var floats: Set<String> = []
    for (name, operand) in operands where operand.elementType == .float32 { floats.insert(name) }
    for info in inputs + outputs + valueTypes.values where operands[info.name] == nil {
      if case .tensor(.float32, _) = info.type { floats.insert(info.name) }
    }
    return floats
  }
}
