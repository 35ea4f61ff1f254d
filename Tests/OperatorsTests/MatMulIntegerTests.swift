import GraphIR
import Operators
import Tensors
import TestSupport
import Testing

/// Products of matrices of bytes, term by term.
@Suite struct MatMulIntegerTests {
  @Test(arguments: [false, true]) func sumsEqualTheirDefinition(byRow: Bool) throws {
    var random = SplitMix64(seed: 1)
    let a = (0..<2 * 3 * 5).map { _ in UInt8.random(in: 0...255, using: &random) }
    let b = (0..<5 * 4).map { _ in Int8.random(in: -128...127, using: &random) }
    let zerosA: [UInt8] = byRow ? [3, 200, 7] : [9]
    let zerosB: [Int8] = byRow ? [-3, 0, 4, 90] : [-7]
    let node = Node("MatMulInteger", inputs: ["a", "b", "za", "zb"], outputs: ["y"])
    var graph = Graph(nodes: [node])
    graph.properties.opsets[""] = 13
    let rules = try OperatorRegistry.standard.makeOperator(for: node, in: graph)
    let y = try rules.evaluate(
      [
        Tensor(a, shape: [2, 3, 5]), Tensor(b, shape: [5, 4]),
        byRow ? Tensor(zerosA) : Tensor(scalar: zerosA[0]),
        byRow ? Tensor(zerosB) : Tensor(scalar: zerosB[0]),
      ], pool: ThreadPool(threads: 2))[0]
    #expect(y.type == TensorType(.int32, [2, 3, 4]))
    for (index, found) in y.integers.enumerated() {
      let (row, column) = (index / 4, index % 4)
      let expected = (0..<5).reduce(0) { sum, k in
        let left = Int(a[row * 5 + k]) - Int(zerosA[byRow ? row % 3 : 0])
        let right = Int(b[k * 4 + column]) - Int(zerosB[byRow ? column : 0])
        return sum + left * right
      }
      #expect(Int(found) == expected)
    }
  }
}
