import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Nodes of hostile files in a session: the reference's result or an error, never a trap.
struct HostileNodeTests {
  private static let goldens = ["nn", "data", "opsets", "spatial"].flatMap {
    (try? OperatorGolden.load($0)) ?? []
  }
  private static let seedsPerOperator: UInt64 = 60
  /// Outputs larger than this are not computed.
  private static let largestByteCount = 1 << 20

  static let operators = OperatorRegistry.standard.all.map { "\($0.domain):\($0.opType)" }

  @Test(arguments: operators) func bentNodesRunInSessionsAsByThemselves(name: String) {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let samples = ConformanceSamples.samples(
      domain: parts[0], opType: parts[1], Self.goldens)
    #expect(!samples.isEmpty)
    for seed in 0..<Self.seedsPerOperator where !samples.isEmpty {
      var nonsense = Nonsense(seed: seed &+ 1 << 32)
      let sample = nonsense.bent(samples[Int(seed) % samples.count])
      let problem = problem(sample, seed: seed)
      #expect(problem == nil, "seed \(seed)")
    }
  }

  private func problem(_ sample: Nonsense.Case, seed: UInt64) -> String? {
    do {
      let op = try OperatorRegistry.standard.makeOperator(for: sample.node, in: sample.graph)
      let types = try op.inferTypes(sample.inputs.map { $0.map { Operand(constant: $0) } })
      guard let types, types.allSatisfy({ $0.byteCount < Self.largestByteCount }) else {
        return nil
      }
      let (graph, feed) = graph(sample, seed: seed)
      let expected = try ReferenceInterpreter(graph, registry: .standard).run(feed)
      for sharesMemory in [true, false] {
        let options = SessionOptions(
          threads: 2, passes: StandardRewrites.inference, sharesMemory: sharesMemory)
        let outputs = try Session(graph, registry: .standard, options: options).run(feed)
        for (name, tensor) in expected where outputs[name] != tensor {
          guard let found = outputs[name], found.type == tensor.type,
            [.float32, .float64].contains(found.elementType),
            normalizedMaxError(found.doubles, tensor.doubles) <= Tolerance.fastMath.bound
          else { return "\(name) differs, sharing \(sharesMemory)" }
        }
      }
      return nil
    } catch {
      return error is NodeError || error is OperatorError || error is AttributeError
        || error is ExecutionError ? nil : "threw \(type(of: error)): \(error)"
    }
  }

  /// The node between others, each operand a constant or an input at random, some outputs unnamed.
  private func graph(_ sample: Nonsense.Case, seed: UInt64) -> (Graph, [String: Tensor]) {
    var random = SplitMix64(seed: seed)
    var graph = Graph()
    graph.properties.opsets = ["": sample.opset]
    graph.properties.opsets[sample.node.domain] = sample.opset
    var node = sample.node
    var feed: [String: Tensor] = [:]
    for (index, tensor) in sample.inputs.enumerated() {
      guard let tensor else { continue }
      let name = "x\(index)"
      if tensor.elementType == .string || Bool.random(using: &random) {
        graph.initializers[name] = Initializer(tensor)
        continue
      }
      graph.inputs.append(ValueInfo(name: name, type: ValueType(tensor.type)))
      feed[name] = tensor
      guard Bool.random(using: &random) else { continue }
      // A computed operand may be overwritten, a view of an input may not.
      let isComputed = tensor.elementType == .float32 && Bool.random(using: &random)
      graph.nodes.append(
        Node(isComputed ? "Abs" : "Identity", inputs: [name], outputs: ["made\(index)"]))
      node.inputs[index] = "made\(index)"
    }
    node.outputs = node.outputs.enumerated().map { index, name in
      index > 0 && Bool.random(using: &random) ? "" : name
    }
    graph.nodes.append(node)
    var outputs = node.outputs.filter { !$0.isEmpty }
    if Bool.random(using: &random) {
      graph.nodes.append(Node("Identity", inputs: [node.outputs[0]], outputs: ["last"]))
      outputs = ["last"]
    }
    graph.outputs = outputs.map { ValueInfo(name: $0, type: .undeclared) }
    return (graph, feed)
  }
}
