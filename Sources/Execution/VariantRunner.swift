import GraphIR
import Tensors

/// Runs variants of a network over the same inputs, and computes what lies before the first altered
/// node only once.
///
/// The values that cross a place of the network are kept for all inputs, as long as they take no
/// more than ``memoryLimit``. They are replaced as variants alter later places, so variants cost
/// least in the order of their first altered nodes.
///
/// Results are those of whole runs, except where a rewrite across the place would round
/// differently.
public final class VariantRunner {
  /// Tensors by name.
  public typealias Values = [String: Tensor]

  private let sections: NetworkSections
  private let inputs: any CalibrationSet
  private let engine: Engine
  /// The number of first nodes that are computed, and for each input what crosses the place behind
  /// them.
  private var kept: (position: Int, values: [Values])?

  /// The most bytes that are kept.
  public static let memoryLimit = 256 << 20

  /// A runner for variants of `graph`.
  ///
  /// - Parameters:
  ///   - outputs: The values that runs return, as far as a variant makes them.
  ///   - inputs: What each variant runs on.
  /// - Throws: ``ExecutionError`` for inputs of unknown shape.
  public init(
    _ graph: Graph, outputs: [String], inputs: any CalibrationSet, engine: Engine
  ) throws {
    var base = graph
    base.outputs = outputs.map { ValueInfo(name: $0, type: .undeclared) }
    base.removeDeadNodes()
    sections = NetworkSections(
      base, registry: engine.registry, inputs: try base.concreteInputTypes(engine.inputShapes))
    (self.inputs, self.engine) = (inputs, engine)
  }

  private var base: Graph { sections.base }

  /// The nodes that the last run did not compute again.
  public var sharedNodes: Int { kept?.position ?? 0 }

  /// The outputs of a variant for each input.
  ///
  /// - Throws: What sessions and the inputs throw.
  public func outputs(of variant: Graph) throws -> [Values] {
    var rest = variant
    rest.outputs = base.outputs
    rest.removeDeadNodes()
    let common = commonNodes(with: rest)
    if common < sharedNodes { kept = nil }
    let place = lastCut(notAfter: common)
    if place > sharedNodes { try advance(to: place) }
    guard let kept, let cut = sections.rest(rest, after: kept.position) else {
      kept = nil
      let session = try session(rest, isWhole: true)
      return try (0..<inputs.count).map { try session.run(inputs.feed($0)) }
    }
    let session = cut.nodes.isEmpty ? nil : try session(cut)
    return try kept.values.map { values in
      let found = try session.map { try $0.outputs(for: values) } ?? [:]
      let pairs = base.outputs.map(\.name).compactMap { name in
        (found[name] ?? values[name] ?? rest.initializers[name]?.tensor ?? sections.constant(name))
          .map { (name, $0) }
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

  /// The last place not after `position` that can be kept, or the kept one where there is no later
  /// one.
  private func lastCut(notAfter position: Int) -> Int {
    stride(from: position, to: sharedNodes, by: -1).first(where: isKeepable) ?? sharedNodes
  }

  /// Whether what crosses a place can be kept.
  private func isKeepable(_ position: Int) -> Bool {
    sections.crossingBytes(position).map { $0 * inputs.count <= Self.memoryLimit } ?? false
  }

  /// Computes what crosses a later place from what is kept.
  private func advance(to position: Int) throws {
    guard let segment = sections.segment(base, from: sharedNodes, to: position) else { return }
    let names = Set(sections.crossing(position))
    let session = segment.outputs.isEmpty ? nil : try session(segment, isWhole: kept == nil)
    let values = try (0..<inputs.count).map { index in
      let known = try kept?.values[index] ?? inputs.feed(index)
      let found = try session.map { try $0.outputs(for: known) } ?? [:]
      return known.filter { names.contains($0.key) }.merging(found) { _, new in new }
    }
    kept = (position, values)
  }

  private func session(_ graph: Graph, isWhole: Bool = false) throws -> Session {
    var own = engine.options()
    if !isWhole { (own.inputShapes, own.trustsSizes) = ([:], true) }
    return try Session(graph, registry: engine.registry, options: own)
  }
}
