import Foundation
import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// `Attention` against its formula, with what ONNX Runtime has no kernel for: windows, numbers of
/// keys, queries without keys.
struct AttentionTests {
  /// One random attention.
  private struct Draw {
    var random: SplitMix64
    var batch = 1
    var heads = 1
    var keyHeads = 1
    var queries = 1
    var keys = 1
    var size = 1
    var valueSize = 1
    var mask: [Bool]?
    var counts: [Int64]?
    var left = -1
    var right = -1
    var isCausal = false
    var inputs: [Tensor?] = []

    init(seed: UInt64) {
      random = SplitMix64(seed: seed)
      func number(_ range: ClosedRange<Int>, _ random: inout SplitMix64) -> Int {
        Int.random(in: range, using: &random)
      }
      batch = number(1...2, &random)
      keyHeads = number(1...2, &random)
      heads = keyHeads * number(1...3, &random)
      (queries, keys) = (number(1...5, &random), number(1...6, &random))
      (size, valueSize) = (number(1...4, &random), number(1...4, &random))
      isCausal = Bool.random(using: &random)
      if Bool.random(using: &random) { left = number(0...3, &random) }
      if Bool.random(using: &random) { right = number(0...3, &random) }
      if Bool.random(using: &random) {
        mask = (0..<queries * keys).map { _ in number(0...3, &random) > 0 }
      }
      if Bool.random(using: &random) {
        counts = (0..<batch).map { _ in Int64(number(0...keys, &random)) }
      }
      inputs = [
        tensor([batch, heads, queries, size]), tensor([batch, keyHeads, keys, size]),
        tensor([batch, keyHeads, keys, valueSize]),
        mask.map { Tensor($0, shape: [queries, keys]) }, nil, nil, counts.map { Tensor($0) },
      ]
    }

    private mutating func tensor(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<shape.product).map { _ in Double.random(in: -2...2, using: &random) }, shape: shape)
    }

    private func isSeen(_ batch: Int, _ query: Int, _ key: Int) -> Bool {
      let count = counts.map { Int($0[batch]) }
      let place = query + (count.map { $0 - queries } ?? 0)
      return key < count ?? keys && (!isCausal || key <= place)
        && (left < 0 || key >= place - left) && (right < 0 || key <= place + right)
        && mask?[query * keys + key] ?? true
    }

    var expected: [Double] {
      let parts = inputs.prefix(3).map { $0?.elements(as: Double.self) ?? [] }
      var y = [Double](repeating: 0, count: batch * heads * queries * valueSize)
      for row in 0..<batch * heads * queries {
        let (image, head) = (row / queries / heads, row / queries % heads)
        let first = (image * keyHeads + head / (heads / keyHeads)) * keys
        let weights = (0..<keys).map { key -> Double in
          guard isSeen(image, row % queries, key) else { return 0 }
          let product = (0..<size).reduce(0.0) {
            $0 + parts[0][row * size + $1] * parts[1][(first + key) * size + $1]
          }
          return exp(product / Double(size).squareRoot())
        }
        let sum = weights.reduce(0, +)
        for column in 0..<valueSize where sum > 0 {
          y[row * valueSize + column] =
            (0..<keys).reduce(0.0) {
              $0 + weights[$1] * parts[2][(first + $1) * valueSize + column]
            } / sum
        }
      }
      return y
    }
  }

  @Test(arguments: 0..<80) func attentionFollowsItsFormula(seed: UInt64) throws {
    let draw = Draw(seed: seed)
    let node = Node(
      "Attention", inputs: draw.inputs.indices.map { draw.inputs[$0] == nil ? "" : "x\($0)" },
      outputs: ["y"],
      attributes: [
        "is_causal": .int(draw.isCausal ? 1 : 0), "left_window_size": .int(draw.left),
        "right_window_size": .int(draw.right),
      ])
    let op = try OperatorRegistry.standard.makeOperator(
      for: node, in: Nonsense.Case(node: node, opset: 25, inputs: draw.inputs).graph)
    let y = try op.evaluate(draw.inputs, pool: ThreadPool(threads: 1))[0].doubles
    #expect(normalizedMaxError(y, draw.expected) <= Tolerance.fastMath.bound)
  }
}
