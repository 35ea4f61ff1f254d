import GraphIR
import Tensors

/// Runs variants of a network over the same inputs; what lies before the first node that a variant alters is computed once.
///
/// The values that cross a place of the network are kept for all inputs, as far as they take no more than
/// ``memoryLimit``, and replaced as variants alter later places: variants cost least in the order of their first altered
/// nodes. Results are those of whole runs but for what rewrites across the place round otherwise.
public final class VariantRunner {
  /// Tensors by name.
  public typealias Values = [String: Tensor]

  private let base: Graph
  private let links: Connectivity
  private let typed: TypedGraph
  private let registry: OperatorRegistry
  private let options: SessionOptions
  private let count: Int
  private let feed: (Int) throws -> Values
  /// Nodes of `base` that are done, and what crosses the place behind them, of each input.
  private var kept: (position: Int, values: [Values])?

  /// The most bytes that are kept.
  public static let memoryLimit = 256 << 20

  /// A runner for variants of `graph`.
  ///
  /// - Parameters:
  ///   - outputs: The values that runs return; all that variants make of them.
  ///   - count: How many inputs there are.
  ///   - feed: Makes an input.
  /// - Throws: ``ExecutionError`` for inputs of unknown shape.
  public init(
    _ graph: Graph, registry: OperatorRegistry, outputs: [String], options: SessionOptions,
    count: Int,
    feed: @escaping (Int) throws -> Values
  ) throws {
    var base = graph
    base.outputs = outputs.map { ValueInfo(name: $0, type: .undeclared) }
    base.removeDeadNodes()
    self.base = base
    links = Connectivity(base)
    typed = TypedGraph(
      base, registry: registry, inputs: try base.concreteInputTypes(options.inputShapes))
    (self.registry, self.options, self.count, self.feed) = (registry, options, count, feed)
  }

  /// The nodes that the last run did not compute again.
  public var sharedNodes: Int { kept?.position ?? 0 }

  /// What a variant makes of each input.
  ///
  /// - Throws: What sessions and the feed throw.
  public func outputs(of variant: Graph) throws -> [Values] {
    var rest = variant
    rest.outputs = base.outputs
    rest.removeDeadNodes()
    let common = commonNodes(with: rest)
    if common < sharedNodes { kept = nil }
    let place = lastCut(notAfter: common)
    if place > sharedNodes { try advance(to: place) }
    guard let kept, let cut = cutting(rest, at: kept.position) else {
      kept = nil
      let session = try session(rest, isWhole: true)
      return try (0..<count).map { try session.run(feed($0)) }
    }
    let session = cut.nodes.isEmpty ? nil : try session(cut)
    return try kept.values.map { values in
      let found = try session.map { try run($0, values) } ?? [:]
      let pairs = base.outputs.map(\.name).compactMap { name in
        (found[name] ?? values[name] ?? rest.initializers[name]?.tensor
          ?? typed.operands[name]?.constant).map { (name, $0) }
      }
      return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
    }
  }

  // MARK: Places to cut at

  /// The first nodes that a variant has in common with the network, with all that they read.
  private func commonNodes(with variant: Graph) -> Int {
    let twins = Dictionary(
      variant.nodes.compactMap { node in node.outputs.first.map { ($0, node) } },
      uniquingKeysWith: { first, _ in first })
    return base.nodes.firstIndex { node in
      guard let name = node.outputs.first, twins[name] == node,
        node.subgraphs.isEmpty
      else { return true }
      return node.inputs.contains {
        base.initializers[$0]?.tensor != variant.initializers[$0]?.tensor
      }
    } ?? base.nodes.count
  }

  /// The values made by the first nodes, or fed, that later ones read or that are asked for; constants are left out.
  private func crossing(_ position: Int) -> [String] {
    let made = base.requiredInputs.map(\.name) + base.nodes[..<position].flatMap(\.outputs)
    return made.filter { name in
      guard !name.isEmpty, typed.operands[name]?.constant == nil else { return false }
      return links.outputs.contains(name) || (links.consumers[name]?.last ?? -1) >= position
    }
  }

  /// The last place not after `position` that can be kept; the one that is, where there is no later one.
  private func lastCut(notAfter position: Int) -> Int {
    stride(from: position, to: sharedNodes, by: -1).first(where: isKeepable) ?? sharedNodes
  }

  /// Whether only reals of known shape cross a place, few enough to be kept.
  private func isKeepable(_ position: Int) -> Bool {
    var bytes = 0
    for name in crossing(position) {
      guard let type = typed.operands[name]?.type, type.elementType == .float32 else {
        return false
      }
      bytes += type.byteCount * count
    }
    return bytes <= Self.memoryLimit
  }

  /// Computes what crosses a later place from what is kept.
  private func advance(to position: Int) throws {
    let start = sharedNodes
    let names = Set(crossing(position))
    var segment = base
    segment.nodes = Array(base.nodes[start..<position])
    let made = Set(segment.nodes.flatMap(\.outputs))
    segment.outputs = names.intersection(made).sorted().map {
      ValueInfo(name: $0, type: .undeclared)
    }
    guard let ready = kept == nil ? segment : cutting(segment, at: start) else { return }
    let session = segment.outputs.isEmpty ? nil : try session(ready, isWhole: kept == nil)
    let values = try (0..<count).map { index in
      let known = try kept?.values[index] ?? feed(index)
      let found = try session.map { try run($0, known) } ?? [:]
      return known.filter { names.contains($0.key) }.merging(found) { _, new in new }
    }
    kept = (position, values)
  }

  // MARK: Parts of the network

  /// What of a network comes after the place: it reads what crosses the place as inputs, and constants made before as constants.
  ///
  /// - Returns: `nil` where it reads something else of what was made before.
  private func cutting(_ network: Graph, at position: Int) -> Graph? {
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
      if let constant = typed.operands[name]?.constant {
        rest.initializers[name] = Initializer(constant)
      } else if known.contains(name), let type = typed.operands[name]?.type {
        rest.inputs.append(ValueInfo(name: name, type: ValueType(type)))
      } else {
        return nil
      }
    }
    return rest
  }

  private func session(_ graph: Graph, isWhole: Bool = false) throws -> Session {
    var own = options
    if !isWhole { (own.inputShapes, own.trustsSizes) = ([:], true) }
    return try Session(graph, registry: registry, options: own)
  }

  private func run(_ session: Session, _ values: Values) throws -> Values {
    let inputs = Set(session.inputs.map(\.name))
    return try session.run(values.filter { inputs.contains($0.key) })
  }
}
