import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// What every registered operator promises, whatever a file holds.
struct OperatorConformanceTests {
  private static let goldens = OperatorGoldenTests.goldens
  private static let seedsPerOperator: UInt64 = 250

  static let operators = OperatorRegistry.standard.all.map { "\($0.domain):\($0.opType)" }

  private func samples(_ name: String) -> [Nonsense.Case] {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    return ConformanceSamples.samples(domain: parts[0], opType: parts[1], Self.goldens)
  }

  @Test(arguments: operators) func typesAreKnownBeforeValues(name: String) {
    let samples = samples(name)
    #expect(!samples.isEmpty)
    for (index, sample) in samples.enumerated() {
      let problem = ConformanceCheck().problem(sample)
      #expect(problem == nil, "sample \(index)")
    }
  }

  /// Nodes as a damaged or hostile file may hold them: computed, or refused with a typed error.
  @Test(arguments: operators) func nonsenseIsRefusedOrComputed(name: String) {
    let samples = samples(name)
    for seed in 0..<Self.seedsPerOperator where !samples.isEmpty {
      var nonsense = Nonsense(seed: seed)
      let sample = nonsense.bent(samples[Int(seed) % samples.count])
      let problem = ConformanceCheck().problem(sample)
      #expect(problem == nil, "seed \(seed)")
    }
  }

  /// Traps that hostile nodes once met, each in its smallest form.
  @Test(arguments: HostileNode.all) func hostileNodesAreRefused(hostile: HostileNode) {
    #expect(throws: hostile.error) {
      let op = try OperatorRegistry.standard.makeOperator(
        for: hostile.sample.node, in: hostile.sample.graph)
      _ = try op.evaluate(hostile.sample.inputs, pool: ThreadPool(threads: 1))
    }
  }

  @Test func aRangeAwayFromItsLimitIsEmpty() throws {
    let numbers = [1e300, 0, 1].map { Tensor(scalar: $0) }
    let range = try makeOperator("Range", opset: 11)
    #expect(try range.evaluate(numbers, pool: ThreadPool(threads: 1))[0].count == 0)
  }

  private func makeOperator(
    _ opType: String, opset: Int, _ attributes: Attributes = [:]
  ) throws -> any Operator {
    let node = Node(opType, inputs: ["x"], outputs: ["y"], attributes: attributes)
    return try OperatorRegistry.standard.makeOperator(
      for: node, in: Nonsense.Case(node: node, opset: opset, inputs: []).graph)
  }

  @Test func aSecondOutputMayBeLeftOut() throws {
    let x = Tensor([3, 1, 2] as [Float])
    let op = try makeOperator("TopK", opset: 11)
    let operands = [Operand(type: x.type), Operand(constant: Tensor([Int64(2)]))]
    let types = try #require(try op.inferTypes(operands))
    let kernel = try op.prepareKernel(
      PreparationSite(inputs: operands, outputs: types, threadCount: 1))
    let best = Tensor(zeros: types[0])
    let scratch = Tensor(zeros: TensorType(.uint8, [kernel.scratchBytes]))
    try kernel.run(
      OperatorCall(
        inputs: [x.view, nil], outputs: [best.view], scratch: scratch.view.base,
        pool: ThreadPool(threads: 1)))
    #expect(best.elements(as: Float.self) == [3, 2])
  }

  @Test func aStepBeyondTheImageNeedsNoMemory() throws {
    let op = try makeOperator(
      "ConvInteger", opset: 10, ["strides": .ints([1 << 24, 2]), "pads": .ints([1, 1, 1, 1])])
    let (x, w) = (TensorType(.uint8, [1, 4, 7, 9]), TensorType(.int8, [6, 4, 3, 3]))
    let site = [Operand(type: x), Operand(constant: Tensor(zeros: w))]
    let types = try #require(try op.inferTypes(site))
    #expect(types[0].shape == [1, 6, 1, 5])
    let kernel = try op.prepareKernel(PreparationSite(inputs: site, outputs: types, threadCount: 1))
    #expect(kernel.scratchBytes < 1 << 20)
  }
}

/// A node that must be refused, and with which kind of error.
struct HostileNode: Sendable, CustomStringConvertible {
  var description: String
  var sample: Nonsense.Case
  var error: OperatorError.Type = OperatorError.self

  private static func node(
    _ what: String, _ opType: String, opset: Int = 13, _ inputs: [Tensor?],
    _ attributes: Attributes = [:]
  ) -> HostileNode {
    let names = inputs.indices.map { inputs[$0] == nil ? "" : "x\($0)" }
    return HostileNode(
      description: what,
      sample: Nonsense.Case(
        node: Node(opType, inputs: names, outputs: ["y"], attributes: attributes), opset: opset,
        inputs: inputs))
  }

  private static func zeros(_ type: ElementType, _ shape: [Int]) -> Tensor {
    Tensor(zeros: TensorType(type, shape))
  }

  static let all: [HostileNode] = [
    node(
      "kernel without taps", "Conv",
      [zeros(.float32, [1, 3, 7, 8]), zeros(.float32, [4, 3, 0, 3])]),
    node(
      "training mode as a number", "Dropout", [zeros(.float32, [2]), nil, zeros(.float64, [1])]),
    node(
      "packed elements resized", "Resize",
      [zeros(.int4, [1, 2, 3]), nil, Tensor([1, 1, 2] as [Float])]),
    node(
      "text resized", "Resize", [zeros(.string, [1, 2, 3]), nil, Tensor([1, 1, 2] as [Float])]),
    node("padding by −2⁶³", "Pad", [zeros(.float32, [2]), Tensor([Int64.min, 0])]),
  ]
}
