import GraphIR
import Tensors

/// Weights that a node computes from stored numbers, such as integers with scales.
public struct StoredWeights {
  private let node: Int
  private let rules: any DecodingOperator
  private let inputs: [Tensor?]

  /// Finds the node; `nil` when the constant is not computed from stored numbers.
  public init?(_ name: String, in graph: Graph, registry: OperatorRegistry) {
    guard let node = graph.nodes.firstIndex(where: { $0.outputs.first == name }),
      let rules = try? registry.makeOperator(for: graph.nodes[node], in: graph),
      let decoding = rules as? any DecodingOperator
    else { return nil }
    let names = graph.nodes[node].inputs
    let constants = graph.constants
    let inputs = names.map { constants[$0] }
    guard zip(names, inputs).allSatisfy({ $0.isEmpty || $1 != nil }) else { return nil }
    (self.node, self.rules, self.inputs) = (node, decoding, inputs)
  }

  /// The float weights.
  public func decoded() throws -> Tensor? {
    try rules.evaluate(inputs, pool: ThreadPool(threads: 1)).first
  }

  /// Stores other float weights, or keeps some slices only.
  ///
  /// Weights that keep their values keep their stored numbers exactly.
  ///
  /// - Parameters:
  ///   - numbers: New values of the same shape; `nil` keeps the current ones.
  ///   - kept: The indices that stay, by axis.
  /// - Throws: `OperatorError` when the scales cannot be cut.
  func store(_ numbers: Tensor?, keeping kept: [Int: [Int]], in graph: inout Graph) throws {
    var values = inputs
    if let numbers { values[0] = try rules.encode(numbers, inputs: inputs) }
    let scaleAxis = try kept.isEmpty ? nil : rules.scaleAxis(inputs)
    for (axis, indices) in kept.sorted(by: { $0.key < $1.key }) {
      values[0] = values[0]?.keeping(indices, along: axis)
      guard axis == scaleAxis else { continue }
      for place in values.indices.dropFirst() {
        values[place] = values[place]?.keeping(indices, along: 0)
      }
    }
    for (place, value) in values.enumerated() {
      guard let value, place == 0 || value.type != inputs[place]?.type else { continue }
      let name = graph.nodes[node].inputs[place]
      let readers = graph.nodes.count { $0.inputs.contains(name) }
      if readers == 1 {
        graph.setConstant(name, value)
      } else {
        let own = graph.freshName("\(name)/kept")
        graph.nodes[node].inputs[place] = own
        graph[constant: own] = value
      }
    }
  }
}

extension Graph {
  /// Sets a constant, or keeps some slices of it.
  ///
  /// A constant that is computed from stored numbers stays so.
  ///
  /// - Parameters:
  ///   - current: Its current value.
  ///   - numbers: The new value, of the same shape; `nil` when it stays.
  ///   - kept: The indices that stay, by axis.
  /// - Throws: `OperatorError` when stored numbers cannot be cut.
  public mutating func setWeights(
    _ name: String, from current: Tensor, to numbers: Tensor?, keeping kept: [Int: [Int]] = [:],
    registry: OperatorRegistry
  ) throws {
    if let stored = StoredWeights(name, in: self, registry: registry) {
      return try stored.store(numbers, keeping: kept, in: &self)
    }
    let tensor = kept.sorted { $0.key < $1.key }.reduce(numbers ?? current) {
      $0.keeping($1.value, along: $1.key)
    }
    setConstant(name, tensor)
  }
}

extension Tensor {
  /// The slices at some indices of an axis.
  ///
  /// 4-bit elements are moved one by one.
  func keeping(_ indices: [Int], along axis: Int) -> Tensor {
    var shape = shape
    let (outer, extent) = (shape[..<axis].reduce(1, *), shape[axis])
    let inner = shape[(axis + 1)...].reduce(1, *)
    shape[axis] = indices.count
    let type = TensorType(elementType, shape)
    if elementType.bitWidth == 4 {
      let left = (0..<outer).flatMap { block in
        indices.flatMap { index in (0..<inner).map { (block * extent + index) * inner + $0 } }
      }
      var packed = [UInt8](repeating: 0, count: type.byteCount)
      withUnsafeBytes { source in
        for (place, old) in left.enumerated() {
          packed[place / 2] |=
            (source[old / 2] >> (4 * UInt8(old % 2)) & 0xf) << (4 * UInt8(place % 2))
        }
      }
      return packed.withUnsafeBytes { Tensor(bytes: $0, type: type) }
    }
    let size = inner * elementType.bitWidth / 8
    var bytes: [UInt8] = []
    bytes.reserveCapacity(outer * indices.count * size)
    withUnsafeBytes { source in
      for block in 0..<outer {
        for index in indices {
          let start = (block * extent + index) * size
          bytes += source[start..<start + size]
        }
      }
    }
    return bytes.withUnsafeBytes { Tensor(bytes: $0, type: type) }
  }
}
