import GraphIR
import Tensors

/// How many bytes of values a graph may make, in proportion to the weights its file holds.
///
/// A file of a hundred bytes can ask for gigabytes: a constant of a huge shape, a chain of
/// doublings, an input of huge extents. No trained model comes near these limits. Shapes that a
/// caller gives are not limited by them.
struct ValueBudget {
  /// What every model may make, however small.
  private static let base = 128 << 20

  /// The bytes that may still be made.
  private(set) var remaining: Int

  /// A budget of the given bytes.
  init(bytes: Int) { remaining = bytes }

  /// The budget of constant folding: every value that a graph computes from its constants, each
  /// counted once.
  static func constants(of graph: Graph) -> ValueBudget {
    ValueBudget(bytes: base + 4 * weightBytes(graph))
  }

  /// What a run at the shapes that the model declares may hold.
  static func activations(of graph: Graph) -> ValueBudget {
    ValueBudget(bytes: base + 16 * weightBytes(graph))
  }

  /// The bytes of constants that are stored dense in the file.
  ///
  /// Sparse ones do not count, because a small file can declare huge ones.
  private static func weightBytes(_ graph: Graph) -> Int {
    let largest = 1 << 48
    let bytes = graph.initializers.values.lazy.filter { [.dense, .external].contains($0.encoding) }
      .map(\.tensor.byteCount).checkedSum
    return min(bytes.clamped, largest)
  }

  /// Takes bytes from the budget; `false` when there are not so many left.
  mutating func spend(_ bytes: Int) -> Bool {
    guard bytes <= remaining else { return false }
    remaining -= bytes
    return true
  }
}

/// Evaluates nodes that always compute the same, within one budget for all values made so.
struct ConstantFolding {
  private var budget: ValueBudget
  private let pool: ThreadPool

  /// The folding of one graph.
  init(_ graph: Graph, pool: ThreadPool) {
    budget = .constants(of: graph)
    self.pool = pool
  }

  /// The values of a node's outputs, or `nil` when only a run decides them or the budget does not
  /// allow them.
  ///
  /// - Parameters:
  ///   - operands: What is known of each input; `nil` for omitted ones.
  ///   - largest: The most bytes that one node may make from fewer.
  /// - Throws: What the operator throws.
  mutating func values(
    of rules: any Operator, _ operands: [Operand?], largest: Int = .max
  ) throws -> [Tensor]? {
    if let shaped = rules as? any ShapeOperator {
      let types = try rules.checkedTypes(operands) ?? []
      guard budget.spend(types.reduce(0) { $0 + $1.byteCount }) else { return nil }
      return try shaped.evaluate(types: operands.map { $0?.type })
    }
    guard operands.allSatisfy({ $0 == nil || $0?.constant != nil }) else { return nil }
    let tensors = operands.map { $0?.constant }
    let given = tensors.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    let made = try rules.evaluationBytes(tensors)
    guard made <= max(given, largest), budget.spend(made) else { return nil }
    return try rules.evaluate(tensors, pool: pool)
  }
}
