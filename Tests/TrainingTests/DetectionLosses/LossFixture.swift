import ObjectDetection
import Tensors
import Training

/// Raw maps in memory, with random numbers from a seed.
final class LossFixture {
  let shapes: [[Int]]
  private(set) var values: [UnsafeMutableBufferPointer<Float>] = []
  private var gradients: [UnsafeMutableBufferPointer<Float>] = []

  init(_ shapes: [[Int]], seed: UInt64, range: ClosedRange<Float> = -2...2) {
    self.shapes = shapes
    var random = CounterRandom(seed: seed)
    for shape in shapes {
      let count = shape.reduce(1, *)
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
      for index in 0..<count {
        memory.initializeElement(at: index, to: Float.random(in: range, using: &random))
      }
      values.append(memory)
      let gradient = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
      gradient.initialize(repeating: 0)
      gradients.append(gradient)
    }
  }

  deinit {
    for memory in values + gradients { memory.deallocate() }
  }

  /// The maps, with gradients set to zero.
  var maps: [RawMap] {
    for gradient in gradients { gradient.update(repeating: 0) }
    return zip(shapes, zip(values, gradients)).compactMap { shape, memory in
      guard let values = memory.0.baseAddress, let gradient = memory.1.baseAddress else {
        return nil
      }
      return RawMap(shape: shape, values: UnsafePointer(values), gradient: gradient)
    }
  }

  /// All gradients, one after the other.
  var gradient: [Float] { gradients.flatMap(Array.init) }

  /// How far the gradient is from central differences along random directions, relative to the
  /// larger of both.
  func directionalError(
    directions: Int = 4, step: Float = 1e-3, _ loss: ([RawMap]) -> LossValue
  ) -> Double {
    _ = loss(maps)
    let exactSlope = gradient
    var random = CounterRandom(seed: 77)
    let old = values.map(Array.init)
    var worst = 0.0
    for _ in 0..<directions {
      // Mostly uphill, so that the derivative along it is not lost in rounding.
      let direction = exactSlope.map { slope -> Float in
        let up: Float = slope >= 0 ? 1 : -1
        return Int.random(in: 0..<4, using: &random) == 0 ? -up : up
      }
      func slope(_ step: Float) -> Double {
        (along(direction, step, old, loss) - along(direction, -step, old, loss)) / Double(2 * step)
      }
      // Richardson's extrapolation takes out the third derivative.
      let numeric = (4 * slope(step) - slope(2 * step)) / 3
      let exact = zip(exactSlope, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      worst = max(worst, abs(numeric - exact) / max(abs(numeric), abs(exact), 1e-3))
    }
    return worst
  }

  /// The loss some way along a direction from the old values, which are put back.
  private func along(
    _ direction: [Float], _ step: Float, _ old: [[Float]], _ loss: ([RawMap]) -> LossValue
  ) -> Double {
    var place = 0
    for (map, memory) in values.enumerated() {
      for index in memory.indices {
        memory[index] = old[map][index] + step * direction[place]
        place += 1
      }
    }
    defer {
      for (map, memory) in values.enumerated() {
        for index in memory.indices { memory[index] = old[map][index] }
      }
    }
    return loss(maps).total
  }
}
