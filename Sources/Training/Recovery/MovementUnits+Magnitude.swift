import GraphIR
import Tensors

extension MovementUnits {
  /// Units of the magnitude that parameters have: the root mean square of each filter of a
  /// convolution, and of any other parameter as a whole.
  ///
  /// A unit is at least ``leastPart`` of that of the whole parameter, so that filters which were
  /// emptied can come back, and ``leastUnit`` where all of it is zero.
  ///
  /// - Parameter known: Units that are known otherwise.
  convenience init(
    magnitudesOf graph: Graph, besides known: [String: [Float]] = [:], registry: OperatorRegistry
  ) {
    let aliases = graph.aliases(registry)
    let filters = Set(
      graph.nodes.filter { $0.qualifiedType == "Conv" && $0.inputs.count > 1 }.map {
        aliases[$0.inputs[1]] ?? $0.inputs[1]
      })
    let units = TrainableParameter.all(in: graph, registry: registry).reduce(
      into: known
    ) { units, parameter in
      guard units[parameter.name] == nil, let tensor = graph[constant: parameter.name],
        tensor.count > 0
      else { return }
      let values = tensor.floats
      let whole = max(Self.magnitude(values[...]), Self.leastUnit)
      guard filters.contains(parameter.name), let rows = tensor.shape.first else {
        units[parameter.name] = [whole]
        return
      }
      let length = values.count / rows
      units[parameter.name] = (0..<rows).map { row in
        max(
          Self.magnitude(values[row * length..<(row + 1) * length]), Self.leastPart * whole)
      }
    }
    self.init(units, for: graph, registry: registry)
  }

  private static let leastPart: Float = 0.1
  private static let leastUnit: Float = 1e-2

  private static func magnitude(_ values: ArraySlice<Float>) -> Float {
    let squares = values.reduce(0.0) { $0 + Double($1) * Double($1) }
    return Float((squares / Double(values.count)).squareRoot())
  }
}
