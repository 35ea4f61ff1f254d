import Execution
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Random networks give the same results however a session plans and rewrites them.
struct RandomNetworkTests {
  @Test(arguments: 0..<40) func sessionsAgreeWithTheReference(batch: UInt64) throws {
    for seed in batch * 5..<(batch + 1) * 5 {
      var network = RandomNetwork(seed: seed, blocks: 4 + Int(seed % 21))
      try network.graph.verify()
      let problem = try SessionCheck(graph: network.graph, feed: network.feed()).problem()
      #expect(problem == nil, "seed \(seed)")
    }
  }
}
