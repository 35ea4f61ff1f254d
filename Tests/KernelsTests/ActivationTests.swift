import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

@Suite struct ActivationTests {
  static let cases: [(Activation, @Sendable (Double) -> Double)] = [
    (.relu, { max($0, 0) }),
    (.leakyRelu(slope: 0.1), { $0 < 0 ? Double(Float(0.1)) * $0 : $0 }),
    (.clip(lowest: 0, highest: 6), { min(max($0, 0), 6) }),
    (.sigmoid, { 1 / (1 + Foundation.exp(-$0)) }),
    (.silu, { $0 / (1 + Foundation.exp(-$0)) }),
    (.hardSwish, { $0 * min(max($0 + 3, 0), 6) / 6 }),
    (.hardSigmoid(alpha: 0.25, beta: 0.5), { min(max(0.25 * $0 + 0.5, 0), 1) }),
    (.exp, { Foundation.exp($0) }),
    (.tanh, { Foundation.tanh($0) }),
    (.elu(alpha: 1.5), { $0 < 0 ? 1.5 * Foundation.expm1($0) : $0 }),
  ]

  static let points: [Float] =
    (0..<4001).map { Float($0 - 2000) / 100 }
    + [-1000, -104, -90, -1e-6, -1e-30, 1e-30, 1e-6, 80, -.greatestFiniteMagnitude]

  @Test(arguments: cases.indices, InstructionSet.supported)
  func agreesWithDoublePrecision(index: Int, set: InstructionSet) {
    let (activation, function) = Self.cases[index]
    let pool = ThreadPool(threads: 1)
    for x in Self.points {
      var y = Float.nan
      withUnsafePointer(to: x) {
        Elementwise.map(activation, from: $0, to: &y, count: 1, pool: pool, instructionSet: set)
      }
      let expected = function(Double(x))
      let error = abs(Double(y) - expected)
      #expect(error <= 2e-6 * max(abs(expected), 1e-1), "\(activation) at \(x): \(y)")
    }
  }

  @Test(arguments: cases.indices)
  func aNaNStaysNaNAndVectorsAgreeWithScalars(index: Int) {
    let activation = Self.cases[index].0
    let pool = ThreadPool(threads: 2)
    var x = Self.points
    x[3] = .nan
    var y = [Float](repeating: 0, count: x.count)
    Elementwise.map(activation, from: x, to: &y, count: x.count, pool: pool)
    #expect(y[3].isNaN)
    for (input, output) in zip(x, y) {
      var single = Float.nan
      withUnsafePointer(to: input) {
        Elementwise.map(activation, from: $0, to: &single, count: 1, pool: pool)
      }
      #expect(single == output || (single.isNaN && output.isNaN))
    }
  }
}
