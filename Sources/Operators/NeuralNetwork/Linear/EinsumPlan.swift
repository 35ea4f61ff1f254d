import GraphIR
import Tensors

/// The steps of an Einstein sum: operands are gathered in an order in which two of them meet as
/// matrices, one after another.
struct EinsumPlan: Sendable {
  /// Where elements lie.
  enum Place: Sendable, Equatable {
    case operand(Int)
    /// In working memory, from an element on.
    case scratch(Int)
    case output
  }

  /// A copy of elements in another order, some summed.
  struct Gather: Sendable {
    var source: Place
    var target: Place
    /// The axes of the target: their extents and how far they step in the source.
    var axes: [(extent: Int, stride: Int)]
    /// The axes that are summed.
    var sums: [(extent: Int, stride: Int)]
  }

  /// Matrix products side by side.
  struct Product: Sendable {
    var count: Int
    var rows: Int
    var depth: Int
    var columns: Int
    var left: Int
    var right: Int
    var result: Int

    var macs: Int {
      let extents = [count, rows, depth, columns]
      return extents.contains(0) ? 0 : extents.product
    }
  }

  enum Step: Sendable { case gather(Gather), product(Product) }

  private(set) var steps: [Step] = []
  /// The elements of working memory.
  private(set) var scratchCount = 0
  let outputShape: [Int]
  private let labels: EinsumLabels

  init(_ labels: EinsumLabels, _ shapes: [[Int]]) throws {
    self.labels = labels
    outputShape = labels.output.map { labels.extents[$0] ?? 1 }
    _ = try TensorType(checking: .float64, outputShape)
    var (made, source) = (labels.terms[0], Place.operand(0))
    var strides = Self.strides(labels.terms[0], shapes[0])
    for index in shapes.indices.dropFirst() {
      let later = Set(labels.output + labels.terms[(index + 1)...].joined())
      let own = Self.strides(labels.terms[index], shapes[index])
      (made, source) = try meet(
        (made, strides, source), (labels.terms[index], own, .operand(index)), later: later)
      strides = Self.strides(made, made.map(extent))
    }
    let kept = Set(labels.output)
    steps.append(
      .gather(
        Gather(
          source: source, target: .output, axes: labels.output.map { axis($0, strides) },
          sums: Set(made).subtracting(kept).sorted().map { axis($0, strides) })))
  }

  private typealias Value = (labels: [Int], strides: [Int: Int], place: Place)

  private func extent(_ label: Int) -> Int { labels.extents[label] ?? 1 }

  private func axis(_ label: Int, _ strides: [Int: Int]) -> (extent: Int, stride: Int) {
    (extent(label), strides[label] ?? 0)
  }

  /// How far each label steps; a label that is there twice walks the diagonal, an extent of 1
  /// stays.
  private static func strides(_ labels: [Int], _ shape: [Int]) -> [Int: Int] {
    var result: [Int: Int] = [:]
    for ((label, extent), stride) in zip(zip(labels, shape), shape.contiguousStrides) {
      result[label, default: 0] += extent == 1 ? 0 : stride
    }
    return result
  }

  /// The sum of products of two values over the labels that nothing later reads.
  private mutating func meet(
    _ a: Value, _ b: Value, later: Set<Int>
  ) throws -> (labels: [Int], place: Place) {
    let (left, right) = (Set(a.labels), Set(b.labels))
    let common = left.intersection(right)
    let batch = common.intersection(later).sorted()
    let depth = common.subtracting(later).sorted()
    let rows = left.subtracting(right).intersection(later).sorted()
    let columns = right.subtracting(left).intersection(later).sorted()
    let first = try gather(a, batch + rows + depth, summing: left.subtracting(right.union(later)))
    let second = try gather(
      b, batch + depth + columns, summing: right.subtracting(left.union(later)))
    func count(_ labels: [Int]) throws -> Int {
      try TensorType(checking: .float64, labels.map(extent)).count
    }
    let result = try take(batch + rows + columns)
    steps.append(
      .product(
        Product(
          count: try count(batch), rows: try count(rows), depth: try count(depth),
          columns: try count(columns),
          left: first, right: second, result: result)))
    return (batch + rows + columns, .scratch(result))
  }

  private mutating func gather(
    _ value: Value, _ order: [Int], summing: Set<Int>
  ) throws -> Int {
    let target = try take(order)
    steps.append(
      .gather(
        Gather(
          source: value.place, target: .scratch(target),
          axes: order.map { axis($0, value.strides) },
          sums: summing.sorted().map { axis($0, value.strides) })))
    return target
  }

  private mutating func take(_ labels: [Int]) throws -> Int {
    let type = try TensorType(checking: .float64, labels.map(extent))
    defer { scratchCount += type.count }
    return scratchCount
  }

  /// Multiply–accumulates of one run.
  var macs: Int {
    steps.reduce(0) { sum, step in
      if case .product(let product) = step { return sum + product.macs }
      return sum
    }
  }
}
