import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

struct ProgressiveRunnerTests {
  /// What each convolution reads while those before it are altered is what whole runs of the
  /// altered network give.
  @Test(arguments: 0..<12 as Range<UInt64>)
  func valuesAreThoseOfWholeRuns(seed: UInt64) throws {
    var network = RandomNetwork(seed: seed, blocks: 14)
    var graph = network.graph
    let feeds = [network.feed(), network.feed()]
    let runner = try ProgressiveRunner(
      graph, inputs: TensorSet(feeds), engine: Engine(registry: .standard))
    let layers = graph.nodes.indices.filter { graph.nodes[$0].opType == "Conv" }
    for index in layers {
      let name = graph.nodes[index].inputs[0]
      let session = try Session(
        graph, registry: .standard, options: SessionOptions(taps: [name]))
      var seen = 0
      try runner.read(name, before: index, of: graph) { image, view in
        let expected = try #require(try session.run(feeds[image])[name])
        #expect(
          normalizedMaxError(Tensor(copying: view).floats, expected.floats)
            < Tolerance.network.bound, "\(name)")
        seen += 1
      }
      #expect(seen == feeds.count)
      let weight = graph.nodes[index].inputs[1]
      guard let tensor = graph[constant: weight] else { continue }
      graph[constant: weight] = Tensor(tensor.floats.map { $0 * 0.75 }, shape: tensor.shape)
    }
  }
}
