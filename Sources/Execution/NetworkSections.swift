import GraphIR
import Tensors

/// Where a network can be cut in two by the order of its nodes, and the parts that are left.
///
/// A place *p* lies before node *p*. What crosses it are values that are fed or made by the first
/// *p* nodes, and that later nodes read or the graph returns. Constants do not cross, because both
/// parts know them.
struct NetworkSections {
  let base: Graph
  private let links: Connectivity
  private let typed: TypedGraph

  /// The places of a graph whose inputs have the given types.
  init(_ base: Graph, registry: OperatorRegistry, inputs: [(String, TensorType)]) {
    self.base = base
    links = Connectivity(base)
    typed = TypedGraph(base, registry: registry, inputs: inputs)
  }

  /// What is known of a value.
  func constant(_ name: String) -> Tensor? { typed.operands[name]?.constant }

  /// The values that cross a place.
  func crossing(_ position: Int) -> [String] {
    let made = base.requiredInputs.map(\.name) + base.nodes[..<position].flatMap(\.outputs)
    return made.filter { name in
      guard !name.isEmpty, constant(name) == nil else { return false }
      return links.outputs.contains(name) || (links.consumers[name]?.last ?? -1) >= position
    }
  }

  /// The bytes that cross a place, or `nil` where something other than float32 of known shape
  /// crosses it.
  func crossingBytes(_ position: Int) -> Int? {
    var bytes = 0
    for name in crossing(position) {
      guard let type = typed.operands[name]?.type, type.elementType == .float32 else { return nil }
      bytes += type.byteCount
    }
    return bytes
  }

  /// The part of a network between two places.
  ///
  /// Its outputs are what crosses the second.
  func segment(_ network: Graph, from start: Int, to end: Int) -> Graph? {
    let names = Set(crossing(end))
    var segment = network
    segment.nodes = Array(network.nodes[start..<end])
    let made = Set(segment.nodes.flatMap(\.outputs))
    segment.outputs = names.intersection(made).sorted().map {
      ValueInfo(name: $0, type: .undeclared)
    }
    return start == 0 ? segment : rest(segment, after: start)
  }

  /// The part of a network after a place.
  ///
  /// Its inputs are what crosses the place; constants made before are its constants.
  ///
  /// - Returns: `nil` where it reads another value made before the place.
  func rest(_ network: Graph, after position: Int) -> Graph? {
    let before = Set(base.nodes[..<position].flatMap(\.outputs))
    var rest = network
    rest.nodes.removeAll { $0.outputs.contains(where: before.contains) }
    let made = Set(rest.nodes.flatMap(\.outputs))
    rest.outputs.removeAll { !made.contains($0.name) }
    rest.removeDeadNodes()
    rest.inputs = []
    let known = Set(crossing(position))
    for name in Connectivity(rest).consumers.keys.sorted()
    where !made.contains(name) && rest.initializers[name] == nil {
      if let constant = constant(name) {
        rest.initializers[name] = Initializer(constant)
      } else if known.contains(name), let type = typed.operands[name]?.type {
        rest.inputs.append(ValueInfo(name: name, type: ValueType(type)))
      } else {
        return nil
      }
    }
    return rest
  }
}

extension Session {
  /// Runs on those of the given values that are inputs.
  public func outputs(for values: [String: Tensor]) throws -> [String: Tensor] {
    let names = Set(inputs.map(\.name))
    return try run(values.filter { names.contains($0.key) })
  }
}
