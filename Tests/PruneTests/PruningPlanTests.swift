import Foundation
import GraphIR
import Operators
import Prune
import Tensors
import TestSupport
import Testing

@Suite struct PruningPlanTests {
  let graph = SampleNetwork.graph()

  @Test func aSavedPlanReplays() throws {
    for pattern in SparsityPattern.known {
      var request = PruningRequest()
      request.pattern = try #require(SparsityPattern(pattern))
      request.sparsity = 0.7
      let plan = try request.plan(for: graph, registry: .standard)
      let read = try JSONDecoder().decode(PruningPlan.self, from: JSONEncoder().encode(plan))
      #expect(read == plan)
      let (a, b) = (
        try plan.applied(to: graph, registry: .standard),
        try read.applied(to: graph, registry: .standard)
      )
      #expect(a == b)
      #expect(a != graph)
    }
  }

  @Test func aPlanOfAnotherModelIsRefused() throws {
    let plan = try PruningRequest().plan(for: graph, registry: .standard)
    #expect(throws: PruningError.self) {
      try plan.applied(to: SampleNetwork.graph(seed: 2), registry: .standard)
    }
    var smaller = graph
    smaller.nodes.removeLast()
    #expect(throws: PruningError.self) { try plan.applied(to: smaller, registry: .standard) }
  }

  @Test func countsOutOfRangeAreRefused() throws {
    var plan = try PruningRequest().plan(for: graph, registry: .standard)
    plan.layers[1].zeros = plan.layers[1].count + 1
    #expect(throws: PruningError.self) { try plan.applied(to: graph, registry: .standard) }
  }

  @Test func choosingIsDeterministic() throws {
    let plans = try (0..<3).map { _ in try PruningRequest().plan(for: graph, registry: .standard) }
    #expect(plans[0] == plans[1] && plans[1] == plans[2])
  }

  @Test func methodsAndScopesHaveNamesAndSummaries() {
    let entries =
      WeightCriterion.all.map { ($0.name, $0.summary) }
      + SparsityScope.all.map { ($0.name, $0.summary) }
    for (name, summary) in entries { #expect(!name.isEmpty && !summary.isEmpty) }
    #expect(Set(entries.map(\.0)).count == entries.count)
  }
}
