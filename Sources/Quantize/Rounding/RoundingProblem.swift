import Foundation
import GraphIR
import Compression
import Tensors

/// One layer whose weights are rounded up or down.
struct RoundingProblem {
  /// The layer's first output.
  let output: String
  let reader: PatchReader
  private let tensor: Tensor
  /// The weights in units of their scales, `[outputs, depth / groups]`.
  private let units: [Float]
  /// The scale of each output.
  private let scales: [Float]
  private let limit: Float
  private let input: QuantizationParameters
  private let inputRange: ClosedRange<Int32>

  /// The problem of a layer; `nil` where the grid is not uniform.
  init?(
    _ node: Node, _ layer: WeightedLayers.WeightedLayer, _ reader: PatchReader,
    input: QuantizationParameters, scheme: QuantizationScheme, constants: [String: Tensor]
  ) {
    guard scheme.weightGrid == .uniform else { return nil }
    output = node.outputs[0]
    self.reader = reader
    tensor = layer.tensor
    self.input = input
    inputRange = scheme.activationRange
    limit = Float(scheme.weightLimit)
    let weights = QuantizedLayer(
      node, layer, scheme: scheme, constants: constants, inputScale: input.scale, roundings: nil
    ).weights
    let depth = reader.weightsPerOutput
    let scales = (0..<reader.outputs).map {
      weights.scales[weights.scales.count == 1 ? 0 : $0]
    }
    self.scales = scales
    units = reader.matrix(layer.tensor).enumerated().map { $1 / scales[$0 / depth] }
  }

  /// The memory of the moments.
  var momentBytes: Int {
    reader.weightsPerOutput * reader.weightsPerOutput * reader.groups * 8
  }

  /// Patches as the quantised layer reads them.
  func rounded(_ patches: [Float]) -> [Float] {
    patches.map { input.float(input.quantized($0, in: inputRange)) }
  }

  /// Which weights to round up, in the order of the layer's tensor, and what that does.
  func solve(
    _ moments: [PatchMoments], steps: Int, pool: ThreadPool
  ) -> (up: [Bool], layer: AdaptiveRounding.LearnedRounding) {
    let depth = reader.weightsPerOutput
    let rows = reader.outputs / reader.groups
    var up = [Float](repeating: 0, count: units.count)
    var (before, after, variation) = (0.0, 0.0, 0.0)
    for (group, own) in moments.enumerated() {
      let count = Double(max(own.count, 1))
      let range = group * rows * depth..<(group + 1) * rows * depth
      var part = RoundingDescent(
        units: Array(units[range]), depth: depth, limit: limit,
        gram: own.patches.map { Float($0 / count) })
      part.relax(steps: steps, pool: pool)
      part.flip(pool: pool)
      for row in 0..<rows {
        let scale = Double(scales[group * rows + row])
        before += scale * scale * part.nearestLoss[row]
        after += scale * scale * part.losses[row]
      }
      variation += own.responseVariation / count
      for (place, isUp) in zip(range, part.up) { up[place] = isUp ? 1 : 0 }
    }
    let scale = 1 / max(variation, .leastNormalMagnitude)
    return (
      reader.tensor(up, like: tensor).floats.map { $0 == 1 },
      .init(output: output, errorBefore: before * scale, errorAfter: after * scale)
    )
  }
}

/// The descent on the soft rounding of a few output channels that read the same patches.
struct RoundingDescent {
  /// Whether each weight is rounded up, `[rows, depth]`.
  private(set) var up: [Bool]
  /// `Δᵀ G Δ` of each row, in units of the squared scale.
  private(set) var losses: [Double] = []
  /// The same with weights rounded to the nearest.
  let nearestLoss: [Double]
  /// `⌊w / s⌋ − w / s`: what rounding down changes.
  private let below: [Float]
  /// Whether both directions are within the grid.
  private let isFree: [Bool]
  private let gram: [Float]
  private let depth: Int
  private var rows: Int { below.count / max(depth, 1) }

  /// Weights in units of their scales, and the moments of what they multiply, `[depth, depth]`.
  init(units: [Float], depth: Int, limit: Float, gram: [Float]) {
    (self.depth, self.gram) = (depth, gram)
    let floors = units.map { max(-limit, min(limit, $0.rounded(.down))) }
    let below = zip(floors, units).map { $0 - $1 }
    let isFree = zip(floors, units).map { $0 < limit && $0 <= $1 }
    let nearest = below.indices.map { index in
      guard isFree[index] else { return false }
      // Ties go to the even neighbour, as rounding to the nearest does.
      let isOdd = floors[index].remainder(dividingBy: 2) != 0
      return below[index] == -0.5 ? isOdd : below[index] < -0.5
    }
    (self.below, self.isFree, up) = (below, isFree, nearest)
    nearestLoss = Self.losses(below, nearest, gram, depth)
    losses = nearestLoss
  }

  private static func losses(
    _ below: [Float], _ up: [Bool], _ gram: [Float], _ depth: Int
  ) -> [Double] {
    stride(from: 0, to: below.count, by: max(depth, 1)).map { start in
      let change = (0..<depth).map { Double(below[start + $0]) + (up[start + $0] ? 1 : 0) }
      var total = 0.0
      for a in 0..<depth where change[a] != 0 {
        var sum = 0.0
        for b in 0..<depth { sum += Double(gram[a * depth + b]) * change[b] }
        total += change[a] * sum
      }
      return max(total, 0)
    }
  }

  // MARK: Relaxation

  /// The stretched sigmoid's bounds, the weight of the regulariser and Adam's rates, as in the
  /// paper.
  private static let (zeta, gamma): (Float, Float) = (1.1, -0.1)
  private static let lambda: Float = 0.01
  private static let rate: Float = 0.02

  /// Learns soft rounding, then takes for each row the better of what it says and the nearest.
  mutating func relax(steps: Int, pool: ThreadPool) {
    guard steps > 0, depth > 0, rows > 0 else { return }
    var soft = SoftRounding(below, isFree, zeta: Self.zeta, gamma: Self.gamma)
    let scale = nearestLoss.map { $0 > 0 ? Float(Double(depth) / $0) : 0 }
    var change = below
    var product = below
    let multiply = MatrixProduct(rows: rows, columns: depth, depth: depth)
    for step in 0..<steps {
      soft.harden(below, into: &change)
      change.withUnsafeBufferPointer { change in
        gram.withUnsafeBufferPointer { gram in
          product.withUnsafeMutableBufferPointer { product in
            guard let change = change.baseAddress, let gram = gram.baseAddress,
              let product = product.baseAddress
            else { return }
            multiply(change, gram, into: product, pool: pool)
          }
        }
      }
      let progress = Float(step) / Float(steps)
      let warm: Float = 0.2
      let beta = progress < warm ? nil : 20 - 18 * (progress - warm) / (1 - warm)
      for index in product.indices { product[index] *= 2 * scale[index / depth] }
      soft.descend(product, beta: beta, lambda: Self.lambda, rate: Self.rate, step: step)
    }
    let learnt = soft.decisions
    let found = Self.losses(below, learnt, gram, depth)
    for row in 0..<rows where found[row] < nearestLoss[row] {
      losses[row] = found[row]
      up.replaceSubrange(
        row * depth..<(row + 1) * depth, with: learnt[row * depth..<(row + 1) * depth])
    }
  }

  // MARK: Flips

  /// Flips single weights while that lowers the loss.
  mutating func flip(pool: ThreadPool) {
    guard depth > 0 else { return }
    let results = (try? pool.map(rows) { flipped($0) }) ?? []
    for (row, result) in results.enumerated() {
      losses[row] = result.loss
      up.replaceSubrange(row * depth..<(row + 1) * depth, with: result.up)
    }
  }

  private func flipped(_ row: Int) -> (up: [Bool], loss: Double) {
    let start = row * depth
    var up = Array(self.up[start..<start + depth])
    var slope = [Double](repeating: 0, count: depth)
    for a in 0..<depth {
      let change = Double(below[start + a]) + (up[a] ? 1 : 0)
      guard change != 0 else { continue }
      for b in 0..<depth { slope[b] += change * Double(gram[a * depth + b]) }
    }
    var loss = losses[row]
    for _ in 0..<2 * depth {
      var best: (place: Int, gain: Double)?
      for place in 0..<depth where isFree[start + place] {
        let step: Double = up[place] ? -1 : 1
        let gain = -(2 * step * slope[place] + Double(gram[place * depth + place]))
        if gain > (best?.gain ?? 1e-9 * max(loss, 1e-30)) { best = (place, gain) }
      }
      guard let best else { break }
      let step: Double = up[best.place] ? -1 : 1
      up[best.place].toggle()
      loss = max(loss - best.gain, 0)
      for b in 0..<depth { slope[b] += step * Double(gram[best.place * depth + b]) }
    }
    return (up, loss)
  }
}

/// Soft rounding `h(v)` and Adam's memory of it.
private struct SoftRounding {
  private var v: [Float]
  private var first: [Float]
  private var second: [Float]
  private let isFree: [Bool]
  private let zeta: Float
  private let gamma: Float

  /// Soft rounding that leaves weights what they are.
  init(_ below: [Float], _ isFree: [Bool], zeta: Float, gamma: Float) {
    (self.zeta, self.gamma, self.isFree) = (zeta, gamma, isFree)
    v = below.map { rest in
      let share = (max(0.001, min(0.999, -rest)) - gamma) / (zeta - gamma)
      return log(share / (1 - share))
    }
    first = Array(repeating: 0, count: v.count)
    second = first
  }

  private func soft(_ v: Float) -> (value: Float, slope: Float) {
    let sigmoid = 1 / (1 + exp(-v))
    let value = (zeta - gamma) * sigmoid + gamma
    guard value > 0, value < 1 else { return (max(0, min(1, value)), 0) }
    return (value, (zeta - gamma) * sigmoid * (1 - sigmoid))
  }

  /// The change of each weight in units.
  func harden(_ below: [Float], into change: inout [Float]) {
    for index in v.indices {
      change[index] = below[index] + (isFree[index] ? soft(v[index]).value : 0)
    }
  }

  /// Which weights are more up than down.
  var decisions: [Bool] { v.indices.map { isFree[$0] && soft(v[$0]).value >= 0.5 } }

  /// One step of Adam, along the gradients by h.
  mutating func descend(
    _ gradients: [Float], beta: Float?, lambda: Float, rate: Float, step: Int
  ) {
    let (keepFirst, keepSecond): (Float, Float) = (0.9, 0.999)
    let correctFirst = 1 / (1 - pow(keepFirst, Float(step + 1)))
    let correctSecond = 1 / (1 - pow(keepSecond, Float(step + 1)))
    for index in v.indices where isFree[index] {
      let (value, slope) = soft(v[index])
      var gradient = gradients[index]
      if let beta {
        let distance = 2 * value - 1
        let power = pow(abs(distance), beta - 1)
        gradient -= 2 * lambda * beta * (distance < 0 ? -power : power)
      }
      gradient *= slope
      first[index] += (1 - keepFirst) * (gradient - first[index])
      second[index] += (1 - keepSecond) * (gradient * gradient - second[index])
      let root = (second[index] * correctSecond).squareRoot() + 1e-8
      v[index] -= rate * first[index] * correctFirst / root
    }
  }
}
