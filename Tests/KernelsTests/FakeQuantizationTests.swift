import Foundation
import Kernels
import Tensors
import TestSupport
import Testing

/// Rounding to a grid and its gradients against what their definitions say, number by number.
@Suite struct FakeQuantizationTests {
  private func numbers(_ count: Int, seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float.random(in: -3...3, using: &random) }
  }

  @Test(arguments: [(Int32(0), Int32(0)...Int32(255)), (7, 0...15), (0, -7...7)])
  func roundsAsIntegersDo(zero: Int32, range: ClosedRange<Int32>) {
    let x = numbers(1001, seed: 2) + [0, 100, -100]
    let parameters = QuantizationParameters(scale: 0.0625, zeroPoint: zero)
    let grid = FakeQuantization.Grid(scale: 0.0625, zeroPoint: zero, range: range)
    var y = [Float](repeating: .nan, count: x.count)
    y.withUnsafeMutableBufferPointer { y in
      x.withUnsafeBufferPointer { x in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        FakeQuantization.round(x, to: y, count: 1004, grid)
      }
    }
    #expect(y == x.map { parameters.float(parameters.quantized($0, in: range)) })
  }

  @Test func gradientsPassStraightThrough() {
    let (x, dy) = (numbers(1000, seed: 3), numbers(1000, seed: 4))
    let grid = FakeQuantization.Grid(scale: 0.1, zeroPoint: 3, range: 0...15)
    var dx = [Float](repeating: .nan, count: x.count)
    let slope = dx.withUnsafeMutableBufferPointer { dx in
      x.withUnsafeBufferPointer { x in
        dy.withUnsafeBufferPointer { dy in
          guard let x = x.baseAddress, let dy = dy.baseAddress, let dx = dx.baseAddress else {
            return Double.nan
          }
          return FakeQuantization.gradient(of: dy, at: x, to: dx, count: 1000, grid)
        }
      }
    }
    var expected = 0.0
    for index in x.indices {
      let steps = x[index] * (1 / Float(0.1))
      let isInside = steps >= -3 && steps <= 12
      #expect(dx[index] == (isInside ? dy[index] : 0))
      let end: Float = steps < -3 ? -3 : 12
      let part = isInside ? steps.rounded(.toNearestOrEven) - steps : end
      expected += Double(dy[index] * part)
    }
    #expect(abs(slope - expected) < 1e-3 * max(abs(expected), 1))
  }
}
