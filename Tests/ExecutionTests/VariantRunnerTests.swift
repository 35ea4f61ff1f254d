import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

struct VariantRunnerTests {
  /// Float sums whose parts were rounded elsewhere.
  private static let tolerance: Float = 2e-4

  @Test(arguments: 0..<12 as Range<UInt64>)
  func variantsGiveWhatWholeRunsGive(seed: UInt64) throws {
    var network = RandomNetwork(seed: seed, blocks: 14)
    let graph = network.graph
    let feeds = [
      network.feed(),
      network.feed().mapValues { Tensor($0.floats.map { $0 / 3 }, shape: $0.shape) },
    ]
    let options = SessionOptions(passes: StandardRewrites.inference)
    let runner = try VariantRunner(
      graph, outputs: graph.outputs.map(\.name), inputs: TensorSet(feeds),
      engine: Engine(registry: .standard, rewrites: StandardRewrites.inference))
    var most = 0
    // Forwards, then from the front again.
    let names = graph.nodes.filter { $0.opType == "Conv" }.map { $0.inputs[1] }
    for name in names + names.prefix(3) {
      guard let tensor = graph.initializers[name]?.tensor else { continue }
      var variant = graph
      variant[constant: name] = Tensor(tensor.floats.map { $0 * 1.25 + 0.01 }, shape: tensor.shape)
      let session = try Session(variant, registry: .standard, options: options)
      let found = try runner.outputs(of: variant)
      most = max(most, runner.sharedNodes)
      for (feed, found) in zip(feeds, found) {
        let expected = try session.run(feed)
        #expect(Set(found.keys) == Set(expected.keys))
        for (output, tensor) in expected {
          let other = try #require(found[output])
          #expect(other.type == tensor.type, "\(name) → \(output)")
          guard tensor.elementType == .float32 else { continue }
          let scale = tensor.floats.reduce(Float(1)) { max($0, abs($1)) }
          let error = zip(tensor.floats, other.floats).reduce(Float(0)) {
            max($0, abs($1.0 - $1.1))
          }
          #expect(error <= Self.tolerance * scale, "\(name) → \(output)")
        }
      }
    }
    #expect(most > 0 || graph.nodes.count < 3, "nothing was shared")
  }

  @Test func whatIsSharedIsNotFedAgain() throws {
    var sketch = Sketch()
    let first = sketch.convolution("x")
    let second = sketch.convolution(sketch.node("Relu", [first]))
    sketch.output(sketch.convolution(second))
    let graph = sketch.graph
    let feed = sketch.feed
    let inputs = CountedInputs(feed: feed)
    let runner = try VariantRunner(
      graph, outputs: graph.outputs.map(\.name), inputs: inputs,
      engine: Engine(registry: .standard))
    let layers = graph.nodes.indices.filter { graph.nodes[$0].opType == "Conv" }
    for layer in layers {
      var variant = graph
      let name = graph.nodes[layer].inputs[1]
      let weights = try #require(graph[constant: name])
      variant[constant: name] = Tensor(weights.floats.map { -$0 }, shape: weights.shape)
      let found = try #require(try runner.outputs(of: variant).first)
      let expected = try Session(variant, registry: .standard).run(feed)
      #expect(runner.sharedNodes == layer)
      for (output, tensor) in expected { #expect(found[output]?.floats == tensor.floats) }
    }
    // Once whole for the first layer, once up to the second.
    #expect(inputs.fed == 2)
  }
}

/// One input that counts how often it is asked for.
private final class CountedInputs: CalibrationSet {
  private let input: [String: Tensor]
  private(set) var fed = 0

  init(feed: [String: Tensor]) { input = feed }

  var count: Int { 1 }

  func feed(_ index: Int) -> [String: Tensor] {
    fed += 1
    return input
  }
}
