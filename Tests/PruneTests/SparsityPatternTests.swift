import GraphIR
import Operators
import Prune
import Tensors
import TestSupport
import Testing

@Suite struct SparsityPatternTests {
  let graph = SampleNetwork.graph(seed: 5)

  func pruned(_ text: String, sparsity: Double = 0.5) throws -> (PruningPlan, Graph) {
    var request = PruningRequest()
    request.pattern = try #require(SparsityPattern(text))
    request.sparsity = sparsity
    let plan = try request.plan(for: graph, registry: .standard)
    return (plan, try plan.applied(to: graph, registry: .standard))
  }

  /// Reads `[O, I, kH, kW]` at (o, i, k).
  func element(_ values: [Float], _ shape: [Int], _ o: Int, _ i: Int, _ k: Int) -> Float {
    values[(o * shape[1] + i) * shape[2] * shape[3] + k]
  }

  @Test(arguments: ["2:4", "1:4", "4:8"]) func everyGroupKeepsItsLargest(text: String) throws {
    let (plan, after) = try pruned(text)
    guard case .keep(let kept, let group)? = SparsityPattern(text) else { return }
    for (name, shape) in [("wide.weight", [32, 8, 1, 1]), ("deep.weight", [16, 32, 3, 3])] {
      let (old, new) = (
        PruningPlanProbe.values(graph, name), PruningPlanProbe.values(after, name)
      )
      for o in 0..<shape[0] {
        for k in 0..<shape[2] * shape[3] {
          for start in stride(from: 0, to: shape[1], by: group) {
            let before = (start..<start + group).map { element(old, shape, o, $0, k) }
            let left = (start..<start + group).map { element(new, shape, o, $0, k) }
            let limit = before.map(\.magnitude).sorted()[group - kept]
            #expect(left == before.map { $0.magnitude >= limit ? $0 : 0 })
          }
        }
      }
    }
    let depthwise = try #require(plan.layers.first { $0.weight == "depthwise.weight" })
    #expect(depthwise.keptBecause == .patternDoesNotFit)
    #expect(plan.sparsity == 1 - Double(kept) / Double(group))
  }

  @Test(arguments: [("1x4", 1, 4), ("4x1", 4, 1)])
  func blocksGoAsAWhole(text: String, rows: Int, columns: Int) throws {
    let (plan, after) = try pruned(text, sparsity: 0.7)
    for (name, shape) in [("wide.weight", [32, 8, 1, 1]), ("deep.weight", [16, 32, 3, 3])] {
      let new = PruningPlanProbe.values(after, name)
      for o in stride(from: 0, to: shape[0], by: rows) {
        for i in stride(from: 0, to: shape[1], by: columns) {
          for k in 0..<shape[2] * shape[3] {
            let block = (o..<o + rows).flatMap { row in
              (i..<i + columns).map { element(new, shape, row, $0, k) }
            }
            #expect(block.allSatisfy { $0 == 0 } || block.allSatisfy { $0 != 0 })
          }
        }
      }
    }
    #expect(abs(Double(plan.zeros) - 0.7 * Double(plan.prunable)) <= 4)
    #expect(
      plan.zeros
        == SampleNetwork.open.reduce(0) { sum, name in
          sum + PruningPlanProbe.values(after, name).count { $0 == 0 }
        })
  }

  @Test(arguments: SparsityScope.all.map(\.name), ["1x4", "4x1", "2x8"])
  func blocksMeetTheTargetToOneBlock(scope: String, text: String) throws {
    for sparsity in [0.1, 0.33, 0.7, 0.93] {
      var request = PruningRequest()
      request.pattern = try #require(SparsityPattern(text))
      request.scope = try #require(SparsityScope.named(scope))
      request.sparsity = sparsity
      let plan = try request.plan(for: graph, registry: .standard)
      let block = text == "2x8" ? 16 : 4
      let missing = Int((sparsity * Double(plan.prunable)).rounded()) - plan.zeros
      #expect((0..<block).contains(missing), "\(sparsity): \(missing) missing")
      #expect(
        try plan.applied(to: graph, registry: .standard).initializers.values.reduce(0) {
          $0 + $1.tensor.elements(as: Float.self).count { $0 == 0 }
        } == plan.zeros + 1, "the ramp starts with a zero")
    }
  }

  @Test func blocksOfTheLeastMeanMagnitudeGoFirst() throws {
    let (_, after) = try pruned("4x1", sparsity: 0.5)
    func mean(_ values: [Float], _ block: Int) -> Float {
      (0..<4).reduce(0) { $0 + values[(block / 8 * 4 + $1) * 8 + block % 8].magnitude } / 4
    }
    let old = PruningPlanProbe.values(graph, "wide.weight")
    let new = PruningPlanProbe.values(after, "wide.weight")
    let gone = (0..<64).filter { mean(new, $0) == 0 }.map { mean(old, $0) }
    let kept = (0..<64).filter { mean(new, $0) != 0 }.map { mean(old, $0) }
    #expect((gone.max() ?? 0) <= (kept.min() ?? 0))
  }

  @Test(arguments: ["none", "2:4", "1:4", "4:8", "1x4", "4x1", "8x2"])
  func textReadsBack(text: String) {
    #expect(SparsityPattern(text)?.description == text)
  }

  @Test(arguments: ["", "4:2", "2:2", "0x4", "x", "2-4", "1:400"])
  func nonsenseIsRefused(text: String) { #expect(SparsityPattern(text) == nil) }
}
