import GraphIR
import Tensors

/// Sums of products of elements whose indices an equation in letters names, as NumPy's `einsum`.
struct Einsum: PreparedOperator, CostedOperator, DifferentiableOperator {
  static let opType = "Einsum"

  let equation: EinsumEquation

  init(attributes: Attributes, opset: Int) throws {
    guard let text = try attributes.string("equation") else {
      throw AttributeError.missing(name: "equation")
    }
    equation = try EinsumEquation(text)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let first = try inputs.required(0)
    try first.check(0, holdsOneOf: ElementType.numbers)
    for index in inputs.indices {
      try inputs.required(index).check(index, holds: first.elementType)
    }
    return [try TensorType(checking: first.elementType, try plan(inputs).outputShape)]
  }

  private func plan(_ inputs: [Operand?]) throws -> EinsumPlan {
    let shapes = try inputs.indices.map { try inputs.required($0).shape }
    return try EinsumPlan(try EinsumLabels(equation, shapes), shapes)
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let plan = try plan(site.inputs)
    let type = site.outputs[0].elementType
    return Kernel(
      algorithm: "", scratchBytes: type.byteCount(of: plan.scratchCount)
    ) { call in
      try type.dispatch(EinsumWork(plan: plan, call: call))
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    (try? plan(inputs.map { $0.map { Operand(type: $0) } }))?.macs ?? 0
  }

  /// Carries the gradient back: for each input the sum of ∂y and the other inputs over all labels
  /// but its own.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when an input has a label twice, alone or with an
  ///   extent that is repeated.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shapes = try derivation.inputs.indices.map { try derivation.type($0).shape }
    let labels = try EinsumLabels(equation, shapes)
    let letters = try Self.letters(for: labels)
    func text(_ term: [Int]) -> String { String(term.compactMap { letters[$0] }) }
    return try shapes.indices.map { index in
      guard derivation.wants(index) else { return nil }
      let own = labels.terms[index]
      let others = shapes.indices.filter { $0 != index }
      let known = Set(labels.output + others.flatMap { labels.terms[$0] })
      let fits = zip(own, shapes[index]).allSatisfy { labels.extents[$0] == $1 }
      guard Set(own).count == own.count, known.isSuperset(of: own), fits else {
        throw OperatorError.unsupported("a derivative where a label is there twice or alone")
      }
      let terms = [labels.output] + others.map { labels.terms[$0] }
      let equation = terms.map(text).joined(separator: ",") + "->" + text(own)
      return derivation.append(
        "Einsum", [derivation.gradient()] + others.map { derivation.input($0) }, outputs: 1,
        attributes: ["equation": .string(equation)])[0]
    }
  }

  /// A letter for each label, those of ellipses included.
  private static func letters(for labels: EinsumLabels) throws -> [Int: Character] {
    let all = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    let names = Set(labels.terms.joined()).sorted()
    guard names.count <= all.count else {
      throw OperatorError.unsupported("a derivative of \(names.count) labels")
    }
    return Dictionary(zip(names, all), uniquingKeysWith: { first, _ in first })
  }
}

/// The steps of an ``EinsumPlan`` for each type of number.
private struct EinsumWork: NumberWork {
  let plan: EinsumPlan
  let call: OperatorCall

  func whole<Element: WholeElement>(_: Element.Type) throws {
    try run(zero: Element.zero, plus: { $0 &+ $1 }, times: { $0 &* $1 })
  }

  func float<Element: FloatElement>(_: Element.Type) throws {
    try run(
      zero: Element(wide: 0), plus: { Element(wide: $0.wide + $1.wide) },
      times: { Element(wide: $0.wide * $1.wide) })
  }

  private func run<Element: BitwiseCopyable>(
    zero: Element, plus: (Element, Element) -> Element, times: (Element, Element) -> Element
  ) throws {
    for step in plan.steps {
      switch step {
      case .gather(let gather): try self.gather(gather, zero: zero, plus: plus)
      case .product(let product): try multiply(product, zero: zero, plus: plus, times: times)
      }
    }
  }

  private func gather<Element: BitwiseCopyable>(
    _ step: EinsumPlan.Gather, zero: Element, plus: (Element, Element) -> Element
  ) throws {
    let source: UnsafeMutablePointer<Element> = try pointer(step.source)
    let target: UnsafeMutablePointer<Element> = try pointer(step.target)
    var index = 0
    walk(step.axes, 0) { offset in
      if step.sums.isEmpty {
        target[index] = source[offset]
      } else {
        var sum = zero
        walk(step.sums, offset) { sum = plus(sum, source[$0]) }
        target[index] = sum
      }
      index += 1
    }
  }

  private func pointer<Element>(_ place: EinsumPlan.Place) throws -> UnsafeMutablePointer<Element> {
    switch place {
    case .operand(let index): try call.input(index).base.assumingMemoryBound(to: Element.self)
    case .scratch(let offset): call.scratch.assumingMemoryBound(to: Element.self) + offset
    case .output: call.outputs[0].base.assumingMemoryBound(to: Element.self)
    }
  }

  /// Calls `body` with the offset of each place of a box, the last axis fastest.
  private func walk(
    _ axes: [(extent: Int, stride: Int)], _ offset: Int, depth: Int = 0, _ body: (Int) -> Void
  ) {
    guard depth < axes.count else { return body(offset) }
    for index in 0..<axes[depth].extent {
      walk(axes, offset + index * axes[depth].stride, depth: depth + 1, body)
    }
  }

  private func multiply<Element: BitwiseCopyable>(
    _ step: EinsumPlan.Product, zero: Element, plus: (Element, Element) -> Element,
    times: (Element, Element) -> Element
  ) throws {
    let a: UnsafeMutablePointer<Element> = try pointer(.scratch(step.left))
    let b: UnsafeMutablePointer<Element> = try pointer(.scratch(step.right))
    let c: UnsafeMutablePointer<Element> = try pointer(.scratch(step.result))
    if let type = Element.self as? any MatrixElement.Type {
      return multiply(step, UnsafeRawPointer(a), UnsafeRawPointer(b), c, type)
    }
    for batch in 0..<step.count {
      let (a, b) = (a + batch * step.rows * step.depth, b + batch * step.depth * step.columns)
      let c = c + batch * step.rows * step.columns
      for row in 0..<step.rows {
        for column in 0..<step.columns {
          var sum = zero
          for term in 0..<step.depth {
            sum = plus(sum, times(a[row * step.depth + term], b[term * step.columns + column]))
          }
          c[row * step.columns + column] = sum
        }
      }
    }
  }

  private func multiply<Real: MatrixElement>(
    _ step: EinsumPlan.Product, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ c: UnsafeMutableRawPointer, _: Real.Type
  ) {
    let (a, b) = (a.assumingMemoryBound(to: Real.self), b.assumingMemoryBound(to: Real.self))
    let c = c.assumingMemoryBound(to: Real.self)
    let product = MatrixProduct(rows: step.rows, columns: step.columns, depth: step.depth)
    for batch in 0..<step.count {
      Real.multiply(
        product, a + batch * step.rows * step.depth, b + batch * step.depth * step.columns,
        into: c + batch * step.rows * step.columns, alpha: 1, pool: call.pool)
    }
  }
}

extension Einsum: LearnedConstantsOperator {
  func learnedInputs(_ inputs: [Operand?]) -> [Int] { Array(inputs.indices) }
}
