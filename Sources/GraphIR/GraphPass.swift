/// A rewrite of a graph that keeps what it computes.
public protocol GraphPass: Sendable {
  /// What the pass does, as a noun phrase: the type's name in words.
  var name: String { get }

  /// Rewrites the graph; afterwards it is well-formed and computes the same function.
  func run(on graph: inout Graph) throws
}
