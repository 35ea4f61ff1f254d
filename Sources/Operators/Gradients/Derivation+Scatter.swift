import GraphIR
import Tensors

extension Derivation {
  /// The gradients of a scatter: what was written over gets none, updates get that of their places.
  ///
  /// - Parameters:
  ///   - gather: The operator that reads what the scatter writes.
  ///   - attributes: Its attributes.
  /// - Throws: ``OperatorError/unsupported(_:)`` for reductions other than sums.
  mutating func scattered(
    _ reduction: ScatterReduction, gather: String, attributes: Attributes = [:]
  ) throws -> [String?] {
    guard [.none, .add].contains(reduction) else {
      throw OperatorError.unsupported(
        "a derivative of updates that are reduced otherwise than by sums")
    }
    let dy = gradient()
    var results: [String?] = [nil, nil, nil]
    if wants(0) {
      let zeros = constant(Tensor(zeros: try type(2)))
      results[0] =
        reduction == .add
        ? dy : self(node.opType, dy, input(1), zeros, attributes: node.attributes)
    }
    if wants(2) { results[2] = self(gather, dy, input(1), attributes: attributes) }
    return results
  }
}
