/// Hands out names that nothing in a graph has yet.
///
/// Taken names are those of values, constants, inputs, outputs, declared types and nodes, and all
/// names within subgraphs, which read the values around them. Every pass that makes a name takes it
/// from here, so that nothing in the graph is replaced by accident. A name is the requested stem.
/// Where that is taken, a number follows.
public struct FreshNames: Sendable {
  private let taken: Set<String>
  private var values: Set<String> = []
  private var nodes: Set<String> = []

  /// Names for a graph.
  public init(_ graph: Graph) {
    var names: Set<String> = []
    graph.collectNames(into: &names)
    taken = names
  }

  /// A name for a new value or constant.
  public mutating func value(_ stem: String) -> String {
    Self.first(stem) { !taken.contains($0) && values.insert($0).inserted }
  }

  /// A name for a new node.
  ///
  /// It may be that of a value the node makes. It is empty where the stem is empty.
  public mutating func node(_ stem: String) -> String {
    guard !stem.isEmpty else { return "" }
    return Self.first(stem) { !taken.contains($0) && nodes.insert($0).inserted }
  }

  /// A prefix that no name begins with.
  public func prefix(_ stem: String) -> String {
    Self.first(stem) { prefix in !taken.contains { $0.hasPrefix(prefix) } }
  }

  /// The stem, or the first of `stem_1`, `stem_2` … that is free.
  private static func first(_ stem: String, where isFree: (String) -> Bool) -> String {
    if !stem.isEmpty, isFree(stem) { return stem }
    var number = 1
    while !isFree("\(stem)_\(number)") { number += 1 }
    return "\(stem)_\(number)"
  }
}

extension Graph {
  /// A name for a new value that nothing has yet, made from `stem`; see ``FreshNames``.
  public func freshName(_ stem: String) -> String {
    var names = FreshNames(self)
    return names.value(stem)
  }

  fileprivate func collectNames(into names: inout Set<String>) {
    names.formUnion(initializers.keys)
    names.formUnion(valueTypes.keys)
    names.formUnion(inputs.map(\.name))
    names.formUnion(outputs.map(\.name))
    for node in nodes {
      names.insert(node.name)
      names.formUnion(node.inputs)
      names.formUnion(node.outputs)
      for (_, value) in node.attributes.elements {
        for subgraph in value.subgraphs { subgraph.collectNames(into: &names) }
      }
    }
  }
}
