import GraphIR
import Tensors

/// The `k` largest (or smallest) elements along an axis and where they stood, best first.
///
/// Of equal elements the one that stands first is the better. `k` is an attribute up to opset 9, an
/// input from 10 on.
struct TopK: PreparedOperator, DifferentiableOperator {
  static let opType = "TopK"

  let axis: Int
  let attribute: Int?
  let takesLargest: Bool

  init(attributes: Attributes, opset: Int) throws {
    axis = try attributes.int("axis", default: -1)
    attribute = opset < 10 ? try attributes.requiredInt("k") : nil
    takesLargest = opset >= 11 ? try attributes.flag("largest", default: true) : true
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(attribute == nil ? 2...2 : 1...1)
    let x = try inputs.required(0)
    try x.check(0, holdsOneOf: ElementType.numbers)
    let axis = try axis.axis(ofRank: x.shape.count)
    guard let k = try attribute ?? inputs.required(1).constantInteger(1) else { return nil }
    guard (0...x.shape[axis]).contains(k) else {
      throw OperatorError.unsupported("the \(k) best of an axis of \(x.shape[axis])")
    }
    var shape = x.shape
    shape[axis] = k
    return [TensorType(x.elementType, shape), TensorType(.int64, shape)]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let x = try site.inputs.required(0)
    let axis = try axis.axis(ofRank: x.shape.count)
    let (extent, inner) = (x.shape[axis], x.shape[(axis + 1)...].product)
    let (outer, k) = (x.shape[..<axis].product, site.outputs[0].shape[axis])
    return Kernel(algorithm: "heap", scratchBytes: k * MemoryLayout<Int>.stride) { call in
      let heap = call.scratch.assumingMemoryBound(to: Int.self)
      try x.elementType.dispatch(
        TopKWork(
          takesLargest: takesLargest, outer: outer, extent: extent, inner: inner, k: k,
          heap: heap, x: try call.input(0), values: call.outputs[0],
          places: call.outputs.count > 1 ? call.outputs[1] : nil))
    }
  }

  /// Carries the values' gradient back to the places they came from.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    let shape = try derivation.type(0).shape
    let dx = derivation(
      GatherElementsGradient.opType, domain: GatherElementsGradient.domain, derivation.gradient(),
      derivation.output(1),
      attributes: ["axis": .int(try axis.axis(ofRank: shape.count)), "shape": .ints(shape)])
    return [dx, nil]
  }
}

/// The selection of `TopK` for each type of number: a heap whose root is the worst one kept.
private struct TopKWork: NumberWork {
  let takesLargest: Bool
  let outer: Int
  let extent: Int
  let inner: Int
  let k: Int
  let heap: UnsafeMutablePointer<Int>
  let x: TensorView
  let values: TensorView
  let places: TensorView?

  func whole<Element: WholeElement>(_: Element.Type) { select(Element.self) { $0 } }

  func float<Element: FloatElement>(_: Element.Type) { select(Element.self) { $0.wide } }

  @inline(__always)
  private func select<Element: BitwiseCopyable, Number: Comparable>(
    _: Element.Type, _ read: (Element) -> Number
  ) {
    guard k > 0 else { return }
    let (all, values) = (x.words(as: Element.self), values.words(as: Element.self))
    let places = places?.words(as: Int64.self)
    for line in 0..<outer * inner {
      let (row, column) = (line / inner, line % inner)
      let x = all + row * extent * inner + column
      /// Whether the first of two elements is the better.
      func isBetter(_ a: Int, _ b: Int) -> Bool {
        let (first, second) = (read(x[a * inner]), read(x[b * inner]))
        if first == second { return a < b }
        return takesLargest ? first > second : first < second
      }
      keepBest(isBetter)
      let target = row * k * inner + column
      for rank in 0..<k {
        values[target + rank * inner] = x[heap[rank] * inner]
        places?[target + rank * inner] = Int64(heap[rank])
      }
    }
  }

  @inline(__always)
  private func keepBest(_ isBetter: (Int, Int) -> Bool) {
    for index in 0..<k { heap[index] = index }
    for root in (0..<k / 2).reversed() { sink(root, k, isBetter) }
    for index in k..<max(extent, k) where isBetter(index, heap[0]) {
      heap[0] = index
      sink(0, k, isBetter)
    }
    for count in (1..<max(k, 1)).reversed() {
      (heap[0], heap[count]) = (heap[count], heap[0])
      sink(0, count, isBetter)
    }
  }

  @inline(__always)
  private func sink(_ start: Int, _ count: Int, _ isBetter: (Int, Int) -> Bool) {
    var root = start
    while 2 * root + 1 < count {
      var child = 2 * root + 1
      if child + 1 < count, isBetter(heap[child], heap[child + 1]) { child += 1 }
      if !isBetter(heap[root], heap[child]) { return }
      (heap[root], heap[child]) = (heap[child], heap[root])
      root = child
    }
  }
}
