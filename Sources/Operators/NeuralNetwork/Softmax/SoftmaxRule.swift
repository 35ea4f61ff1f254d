import Foundation
import GraphIR
import Kernels
import Tensors

/// What `Softmax` and `LogSoftmax` have in common.
struct SoftmaxRule: Sendable {
  let axis: Int
  let flattens: Bool
  let isLogarithm: Bool

  init(_ attributes: Attributes, opset: Int, isLogarithm: Bool) throws {
    flattens = opset < 13
    axis = try attributes.int("axis", default: flattens ? 1 : -1)
    self.isLogarithm = isLogarithm
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    _ = try extents(x.shape)
    return [x.type]
  }

  /// The input taken as `[outer, count, inner]`, normalised along the middle axis.
  func extents(_ shape: [Int]) throws -> (outer: Int, count: Int, inner: Int) {
    if flattens, axis == shape.count { return (shape.product, 1, 1) }
    if !flattens, shape.isEmpty, axis == -1 || axis == 0 { return (1, 1, 1) }
    let axis = try axis.axis(ofRank: shape.count)
    let rest = shape[(axis + 1)...].product
    return (
      shape[..<axis].product, flattens ? shape[axis] * rest : shape[axis], flattens ? 1 : rest
    )
  }

  /// The axes that are normalised together.
  func axes(_ shape: [Int]) throws -> [Int] {
    if shape.isEmpty || flattens && axis == shape.count { return [] }
    let axis = try axis.axis(ofRank: shape.count)
    return flattens ? Array(axis..<shape.count) : [axis]
  }

  func kernel(_ site: PreparationSite) throws -> Kernel {
    let (outer, count, inner) = try extents(site.outputs[0].shape)
    let isLogarithm = isLogarithm
    if site.outputs[0].elementType == .float64 {
      return Kernel(algorithm: "") { call in
        guard let x = call.inputs[0]?.elements(as: Double.self) else { return }
        let y = call.outputs[0].elements(as: Double.self)
        call.pool.forEach(outer * inner) { run in
          let first = run / inner * count * inner + run % inner
          let places = stride(from: first, to: first + count * inner, by: inner)
          let highest = places.lazy.map { x[$0] }.max() ?? 0
          let sum = places.lazy.map { exp(x[$0] - highest) }.reduce(0, +)
          for place in places {
            let shifted = x[place] - highest
            y[place] = isLogarithm ? shifted - log(sum) : exp(shifted) / sum
          }
        }
      }
    }
    let softmax = FloatSoftmax(outer: outer, count: count, inner: inner, isLogarithm: isLogarithm)
    return Kernel(
      algorithm: "blocks", scratchBytes: softmax.scratchBytes(threads: site.threadCount)
    ) { call in
      guard let x = call.inputs[0]?.elements(as: Float.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Float.self)
      softmax.run(x, y, scratch: call.scratch, pool: call.pool)
    }
  }
}

/// A float32 softmax over the middle axis of `[outer, count, inner]`, in blocks that fit the cache:
/// some runs of the middle axis when `inner` is 1, else some columns of the inner axis.
private struct FloatSoftmax: Sendable {
  var outer: Int
  var count: Int
  var inner: Int
  var isLogarithm: Bool

  /// Elements of a block, about.
  private static let blockCount = 4096

  /// Runs that a block has when they are contiguous.
  private var runs: Int { max(1, Self.blockCount / max(1, count)) }
  /// Columns that it has when they are not.
  private var width: Int { min(inner, max(16, Self.blockCount / max(1, count) / 16 * 16)) }
  private var scratchCount: Int {
    inner == 1 ? runs * count : (2 + (isLogarithm ? count : 0)) * width
  }
  private var scratchStride: Int { (scratchCount * 4 + 63) / 64 * 64 }

  func scratchBytes(threads: Int) -> Int { scratchStride * threads }

  func run(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer,
    pool: ThreadPool
  ) {
    guard outer > 0, count > 0, inner > 0 else { return }
    let blocksPerRun = (inner + width - 1) / width
    let units = inner == 1 ? (outer + runs - 1) / runs : outer * blocksPerRun
    let parts = min(pool.threadCount, units)
    pool.forEach(parts) { part in
      let own = (scratch + part * scratchStride).assumingMemoryBound(to: Float.self)
      for unit in units * part / parts..<units * (part + 1) / parts {
        if inner == 1 {
          let start = unit * runs * count
          normalizeRuns(x + start, y + start, min(runs, outer - unit * runs), own)
        } else {
          let (run, block) = unit.quotientAndRemainder(dividingBy: blocksPerRun)
          let start = run * count * inner + block * width
          normalizeColumns(x + start, y + start, min(width, inner - block * width), own)
        }
      }
    }
  }

  /// Normalises contiguous runs.
  private func normalizeRuns(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ runs: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    for run in 0..<runs {
      let (source, target) = (x + run * count, y + run * count)
      var highest = -Float.infinity
      for i in 0..<count { highest = source[i] > highest ? source[i] : highest }
      for i in 0..<count { target[i] = source[i] - highest }
    }
    let powers = isLogarithm ? scratch : y
    Elementwise.map(.exp, from: y, to: powers, count: runs * count)
    for run in 0..<runs {
      let target = y + run * count
      var sum: Float = 0
      for i in 0..<count { sum += powers[run * count + i] }
      if isLogarithm {
        let logarithm = logf(sum)
        for i in 0..<count { target[i] -= logarithm }
      } else {
        let factor = 1 / sum
        for i in 0..<count { target[i] *= factor }
      }
    }
  }

  /// Normalises the columns that begin at `x`, their elements `inner` apart.
  private func normalizeColumns(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ columns: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let (highest, sums) = (scratch, scratch + width)
    highest.update(repeating: -.infinity, count: columns)
    sums.update(repeating: 0, count: columns)
    for row in 0..<count {
      let source = x + row * inner
      for i in 0..<columns { highest[i] = source[i] > highest[i] ? source[i] : highest[i] }
    }
    for row in 0..<count {
      let (source, target) = (x + row * inner, y + row * inner)
      let powers = isLogarithm ? scratch + (2 + row) * width : target
      for i in 0..<columns { target[i] = source[i] - highest[i] }
      Elementwise.map(.exp, from: target, to: powers, count: columns)
      for i in 0..<columns { sums[i] += powers[i] }
    }
    for i in 0..<columns { sums[i] = isLogarithm ? logf(sums[i]) : 1 / sums[i] }
    for row in 0..<count {
      let target = y + row * inner
      if isLogarithm {
        for i in 0..<columns { target[i] -= sums[i] }
      } else {
        for i in 0..<columns { target[i] *= sums[i] }
      }
    }
  }
}
