import Foundation
import GraphIR
import Kernels
import Tensors

/// One run of ``Attention``: head after head, each as two matrix products with a softmax between.
struct AttentionKernel<Element: MatrixElement> {
  typealias Elements = UnsafeMutablePointer<Element>

  let rules: Attention
  let plan: AttentionPlan
  let call: OperatorCall

  func run() throws {
    let counts = call.optionalInput(6)
    let (q, k, v) = (try data(0), try data(1), try data(2))
    for batch in 0..<plan.batch {
      let valid = counts.map { $0.integer(at: batch) }
      for head in 0..<plan.heads {
        let keyHead = head / (plan.heads / plan.keyHeads)
        var place = call.scratch.assumingMemoryBound(to: Element.self)
        func take(_ count: Int) -> Elements {
          defer { place += count }
          return place
        }
        let query = take(plan.queries * plan.size)
        let key = take(plan.keys * plan.size)
        let value = take(plan.keys * plan.valueSize)
        let products = take(plan.queries * plan.keys)
        let result = take(plan.queries * plan.valueSize)
        gather(q, batch, head, plan.heads, plan.queries, plan.size, into: query)
        try join(4, k, batch, keyHead, plan.size, into: key)
        try join(5, v, batch, keyHead, plan.valueSize, into: value)
        multiply(query, key, into: products)
        try weigh(products, batch, head, valid)
        Element.multiply(
          MatrixProduct(rows: plan.queries, columns: plan.valueSize, depth: plan.keys), products,
          value, into: result, alpha: 1, pool: call.pool)
        scatter(result, batch, head)
        if head.isMultiple(of: plan.heads / plan.keyHeads) {
          keep(key, 1, batch, keyHead, plan.size)
          keep(value, 2, batch, keyHead, plan.valueSize)
        }
      }
    }
  }

  private func data(_ input: Int) throws -> Elements {
    try call.input(input).base.assumingMemoryBound(to: Element.self)
  }

  private func multiply(_ query: Elements, _ key: Elements, into products: Elements) {
    let scale = rules.scale.map { Element($0) } ?? 1 / Element(max(plan.size, 1)).squareRoot()
    Element.multiply(
      MatrixProduct(
        rows: plan.queries, columns: plan.keys, depth: plan.size, transposesRight: true),
      query, key, into: products, alpha: scale, pool: call.pool)
  }

  // MARK: Heads in memory

  /// Copies one head, wherever its rows lie.
  private func gather(
    _ source: Elements, _ batch: Int, _ head: Int, _ heads: Int, _ rows: Int, _ size: Int,
    into target: Elements
  ) {
    for row in 0..<rows {
      target.advanced(by: row * size).update(
        from: source + offset(batch, head, heads, row, rows, size), count: size)
    }
  }

  private func offset(
    _ batch: Int, _ head: Int, _ heads: Int, _ row: Int, _ rows: Int, _ size: Int
  ) -> Int {
    plan.isPacked
      ? ((batch * rows + row) * heads + head) * size : ((batch * heads + head) * rows + row) * size
  }

  /// Copies the earlier rows of a head and then the given ones.
  private func join(
    _ past: Int, _ source: Elements, _ batch: Int, _ head: Int, _ size: Int, into target: Elements
  ) throws {
    if plan.past > 0 {
      let earlier = try data(past) + (batch * plan.keyHeads + head) * plan.past * size
      target.update(from: earlier, count: plan.past * size)
    }
    gather(
      source, batch, head, plan.keyHeads, plan.keys - plan.past, size,
      into: target + plan.past * size)
  }

  private func scatter(_ result: Elements, _ batch: Int, _ head: Int) {
    let y = call.outputs[0].base.assumingMemoryBound(to: Element.self)
    for row in 0..<plan.queries {
      let place = offset(batch, head, plan.heads, row, plan.queries, plan.valueSize)
      (y + place).update(from: result + row * plan.valueSize, count: plan.valueSize)
    }
  }

  private func keep(_ rows: Elements, _ output: Int, _ batch: Int, _ head: Int, _ size: Int) {
    guard call.outputs.count > output else { return }
    let target = call.outputs[output].base.assumingMemoryBound(to: Element.self)
    (target + (batch * plan.keyHeads + head) * plan.keys * size).update(
      from: rows, count: plan.keys * size)
  }

  // MARK: Weights of keys

  /// Turns products into probabilities, row by row, and writes them down at the stage that is asked
  /// for.
  private func weigh(_ products: Elements, _ batch: Int, _ head: Int, _ valid: Int?) throws {
    let mask = call.optionalInput(3)
    let stages =
      call.outputs.count > 3
      ? call.outputs[3].base.assumingMemoryBound(to: Element.self)
        + (batch * plan.heads + head) * plan.queries * plan.keys : nil
    call.pool.forEach(plan.queries) { query in
      let row = products + query * plan.keys
      func record(_ stage: Attention.Stage) {
        guard rules.stage == stage else { return }
        stages?.advanced(by: query * plan.keys).update(from: row, count: plan.keys)
      }
      record(.products)
      if rules.softcap > 0 { cap(row) }
      record(.capped)
      let range = keysInSight(of: query, valid)
      let isMasked = add(mask, batch, head, query, range, to: row)
      record(.masked)
      softmax(row, isMasked: isMasked)
      record(.probabilities)
    }
  }

  private func cap(_ row: Elements) {
    let limit = Double(rules.softcap)
    for key in 0..<plan.keys { row[key] = Element(tanh(Double(row[key]) / limit) * limit) }
  }

  /// The keys that causality, window and numbers of keys leave to a query.
  private func keysInSight(of query: Int, _ valid: Int?) -> Range<Int> {
    let offset = valid.map { $0 &- plan.queries } ?? plan.past
    let position = query &+ offset
    var (first, end) = (0, min(plan.keys, valid ?? plan.keys))
    if rules.isCausal { end = min(end, position &+ 1) }
    if let left = rules.window.left { first = max(first, position &- left) }
    if let right = rules.window.right { end = min(end, position &+ right &+ 1) }
    return first..<max(first, end)
  }

  /// Adds the mask; what is out of sight becomes −∞.
  ///
  /// - Returns: Whether no key is left.
  private func add(
    _ mask: TensorView?, _ batch: Int, _ head: Int, _ query: Int, _ range: Range<Int>,
    to row: Elements
  ) -> Bool {
    var isMasked = true
    let strides = plan.mask?.strides ?? [0, 0, 0]
    let start = batch * strides[0] + head * strides[1] + query * strides[2]
    for key in 0..<plan.keys {
      var bias: Element = range.contains(key) ? 0 : -.infinity
      if let mask, let keys = plan.mask?.keys {
        if key >= keys {
          bias = -.infinity
        } else if mask.elementType == .bool {
          if !mask.words(as: Bool.self)[start + key] { bias = -.infinity }
        } else {
          bias += mask.words(as: Element.self)[start + key]
        }
      }
      row[key] += bias
      if bias != -.infinity { isMasked = false }
    }
    return isMasked
  }

  private func softmax(_ row: Elements, isMasked: Bool) {
    guard !isMasked else { return row.update(repeating: 0, count: plan.keys) }
    var highest = -Element.infinity
    for key in 0..<plan.keys where row[key] > highest { highest = row[key] }
    // All −∞ beside a mask that leaves keys: as if nothing were there.
    if highest == -.infinity { highest = 0 }
    for key in 0..<plan.keys { row[key] -= highest }
    raise(row)
    var sum = 0.0
    for key in 0..<plan.keys { sum += Double(row[key]) }
    let factor = sum == 0 ? 1 : 1 / sum
    for key in 0..<plan.keys { row[key] = Element(Double(row[key]) * factor) }
  }

  /// Replaces each element by its power of e.
  private func raise(_ row: Elements) {
    guard Element.self == Float.self else {
      for key in 0..<plan.keys { row[key] = Element(exp(Double(row[key]))) }
      return
    }
    let floats = UnsafeMutableRawPointer(row).assumingMemoryBound(to: Float.self)
    Elementwise.map(.exp, from: floats, to: floats, count: plan.keys)
  }
}
