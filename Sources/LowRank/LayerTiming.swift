import Execution
import GraphIR
import Tensors

/// Times a layer against its factors on this machine.
public struct LayerTiming: Sendable, Codable, Equatable {
  /// The layer's latency before factorisation, all uses together, in milliseconds.
  public var before: Double
  /// The latency of its factors.
  public var after: Double

  /// The part of the latency that is saved; negative for a loss.
  public var gain: Double { before > 0 ? 1 - after / before : 0 }

  /// Runs both in turn, each by itself on arbitrary numbers, and keeps the fastest round.
  ///
  /// - Throws: what sessions throw.
  public init(
    _ layer: FactorizableLayer, _ factors: LayerFactors, in graph: Graph,
    operands: [String: Operand], engine: Engine
  ) throws {
    (before, after) = (0, 0)
    for use in layer.uses {
      let node = graph.nodes[use.node]
      guard let input = operands[node.inputs[0]] else { continue }
      var alone = Graph(
        nodes: [node], inputs: [ValueInfo(name: node.inputs[0], type: ValueType(input.type))],
        outputs: [ValueInfo(name: node.outputs[0], type: .undeclared)], properties: graph.properties
      )
      for name in node.inputs.dropFirst() {
        alone[constant: name] = operands[name]?.constant
        if alone[constant: name] == nil, let operand = operands[name] {
          alone.inputs.append(ValueInfo(name: name, type: ValueType(operand.type)))
        }
      }
      var own = layer
      own.uses = [use]
      own.uses[0].node = 0
      var engine = engine
      engine.inputShapes = [:]
      let thinned = FactorizedNetwork(
        alone, replacing: [(own, factors)], registry: engine.registry)
      let (whole, thin) = (try engine.session(alone), try engine.session(thinned.graph))
      whole.fillInputs()
      thin.fillInputs()
      var best = (before: Double.infinity, after: Double.infinity)
      for _ in 0..<Self.rounds {
        best.before = min(best.before, try Self.median(whole))
        best.after = min(best.after, try Self.median(thin))
      }
      before += best.before
      after += best.after
    }
  }

  private static let rounds = 5

  private static func median(_ session: Session) throws -> Double {
    try LatencyStatistics.measure(warmUp: 1, runs: 5, duration: .microseconds(500)) {
      try session.run()
    }.median
  }
}
