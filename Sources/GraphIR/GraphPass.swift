/// A rewrite of a graph that keeps what it computes.
public protocol GraphPass: Sendable {
  /// What the pass does, as a noun phrase: the type's name in words.
  var name: String { get }

  /// Rewrites the graph; afterwards it is well-formed and computes the same function.
  ///
  /// - Parameter registry: The known operators, whose capabilities the pass may ask for.
  func run(on graph: inout Graph, registry: OperatorRegistry) throws
}
