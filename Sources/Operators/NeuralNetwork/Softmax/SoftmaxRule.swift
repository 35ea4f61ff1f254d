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
  private func extents(_ shape: [Int]) throws -> (outer: Int, count: Int, inner: Int) {
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
    let softmax = FloatSoftmax(outer: outer, count: count, inner: inner)
    let scratchBytes = 4 * (outer * inner + (isLogarithm ? outer * count * inner : 0))
    return Kernel(algorithm: "", scratchBytes: scratchBytes) { call in
      guard let x = call.inputs[0]?.elements(as: Float.self).baseAddress else { return }
      let y = call.outputs[0].base.assumingMemoryBound(to: Float.self)
      let sums = call.scratch.assumingMemoryBound(to: Float.self)
      softmax.subtractHighest(x, y, highest: sums, pool: call.pool)
      let exponentials = isLogarithm ? sums + outer * inner : y
      Elementwise.map(
        .exp, from: y, to: exponentials, count: outer * count * inner, pool: call.pool)
      softmax.sum(exponentials, sums, pool: call.pool)
      isLogarithm
        ? softmax.subtractLogarithms(sums, y, pool: call.pool)
        : softmax.divide(sums, y, pool: call.pool)
    }
  }
}

/// The passes of a float32 softmax over `[outer, count, inner]`, row by row of the inner axis.
private struct FloatSoftmax: Sendable {
  var outer: Int
  var count: Int
  var inner: Int

  func subtractHighest(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
    highest: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    forEachOuter(pool) { part in
      let (source, target) = (x + part * count * inner, y + part * count * inner)
      let top = highest + part * inner
      if inner == 1 {
        var best = -Float.infinity
        for index in 0..<count { best = source[index] > best ? source[index] : best }
        for index in 0..<count { target[index] = source[index] - best }
        return
      }
      top.update(repeating: -.infinity, count: inner)
      for row in 0..<count {
        for index in 0..<inner {
          let value = source[row * inner + index]
          top[index] = value > top[index] ? value : top[index]
        }
      }
      for row in 0..<count {
        for index in 0..<inner {
          target[row * inner + index] = source[row * inner + index] - top[index]
        }
      }
    }
  }

  func sum(_ x: UnsafePointer<Float>, _ sums: UnsafeMutablePointer<Float>, pool: ThreadPool) {
    forEachOuter(pool) { part in
      let source = x + part * count * inner
      let total = sums + part * inner
      total.update(repeating: 0, count: inner)
      for row in 0..<count {
        for index in 0..<inner { total[index] += source[row * inner + index] }
      }
    }
  }

  func divide(_ sums: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, pool: ThreadPool) {
    forEachOuter(pool) { part in
      let (target, total) = (y + part * count * inner, sums + part * inner)
      if inner == 1 {
        let factor = 1 / total[0]
        for index in 0..<count { target[index] *= factor }
        return
      }
      for row in 0..<count {
        for index in 0..<inner { target[row * inner + index] /= total[index] }
      }
    }
  }

  func subtractLogarithms(
    _ sums: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, pool: ThreadPool
  ) {
    forEachOuter(pool) { part in
      let (target, total) = (y + part * count * inner, sums + part * inner)
      for index in 0..<inner {
        let logarithm = logf(total[index])
        for row in 0..<count { target[row * inner + index] -= logarithm }
      }
    }
  }

  /// Parts of about a thousand elements, the same at any number of threads.
  private func forEachOuter(_ pool: ThreadPool, _ body: (Int) -> Void) {
    let batch = max(1, 4096 / max(1, count * inner))
    pool.forEach((outer + batch - 1) / batch) { part in
      for index in part * batch..<min(outer, (part + 1) * batch) { body(index) }
    }
  }
}
