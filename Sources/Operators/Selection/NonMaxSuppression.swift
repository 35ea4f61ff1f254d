import GraphIR
import Tensors

/// The boxes that remain when, class by class, those that overlap a better one are taken away.
///
/// Inputs: boxes `[N, B, 4]`, scores `[N, C, B]`, and as single numbers the most boxes per class
/// (default 0), the largest allowed overlap (default 0) and the score that must be exceeded.
/// Output: rows of image, class and box `[R, 3]`, best first within a class; of equal scores the
/// first box is the better.
struct NonMaxSuppression: Operator {
  static let opType = "NonMaxSuppression"

  let boxesAreCentred: Bool

  init(attributes: Attributes, opset: Int) throws {
    let format = try attributes.int("center_point_box", default: 0)
    guard format == 0 || format == 1 else {
      throw AttributeError.invalid(
        name: "center_point_box", reason: "is \(format), expected 0 or 1")
    }
    boxesAreCentred = format == 1
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(2...5)
    let (boxes, scores) = (try inputs.required(0), try inputs.required(1))
    try boxes.check(0, holds: .float32)
    try scores.check(1, holds: .float32)
    try boxes.check(0, rank: 3...3)
    try scores.check(1, rank: 3...3)
    guard boxes.shape[2] == 4, boxes.shape[0] == scores.shape[0], boxes.shape[1] == scores.shape[2]
    else {
      throw OperatorError.incompatible(
        [boxes.shape, scores.shape], reason: "do not fit as boxes [N, B, 4] and scores [N, C, B]")
    }
    for index in 2..<5 {
      guard let setting = inputs.optional(index) else { continue }
      try setting.check(index, holds: index == 2 ? .int64 : .float32)
      guard setting.type.count == 1 else {
        throw OperatorError.shape(input: index, found: setting.shape, reason: "is not one number")
      }
    }
    return nil
  }

  func forward(_ call: OperatorCall) throws { throw OperatorErrors.dynamicTypes }

  func evaluate(_ inputs: [Tensor?], pool: ThreadPool) throws -> [Tensor] {
    _ = try inferTypes(inputs.map { $0.map { Operand(constant: $0) } })
    func setting(_ index: Int) -> Tensor? { inputs.indices.contains(index) ? inputs[index] : nil }
    let limit = setting(2)?.integers[0] ?? 0
    let overlap = setting(3)?.floats[0] ?? 0
    guard (0...1).contains(overlap) else {
      throw OperatorError.unsupported("an overlap threshold of \(overlap), expected 0 to 1")
    }
    guard limit > 0, let boxes = inputs[0], let scores = inputs[1] else {
      return [Tensor([Int64](), shape: [0, 3])]
    }
    let (classes, count) = (scores.shape[1], scores.shape[2])
    var rows: [Int64] = []
    boxes.withUnsafeElements(as: Float.self) { corners in
      scores.withUnsafeElements(as: Float.self) { scores in
        for list in 0..<boxes.shape[0] * classes {
          let image = list / max(classes, 1)
          let kept = select(
            UnsafeBufferPointer(rebasing: corners[image * count * 4..<(image + 1) * count * 4]),
            UnsafeBufferPointer(rebasing: scores[list * count..<(list + 1) * count]),
            limit: limit, overlap: overlap, threshold: setting(4)?.floats[0])
          for box in kept { rows += [Int64(image), Int64(list % classes), Int64(box)] }
        }
      }
    }
    return [Tensor(rows, shape: [rows.count / 3, 3])]
  }

  private func select(
    _ corners: UnsafeBufferPointer<Float>, _ scores: UnsafeBufferPointer<Float>, limit: Int,
    overlap: Float, threshold: Float?
  ) -> [Int] {
    var candidates =
      threshold.map { threshold in scores.indices.filter { scores[$0] > threshold } }
      ?? Array(scores.indices)
    candidates.sort { (scores[$0], $1) > (scores[$1], $0) }
    var kept: [(index: Int, extent: SuppressionBox)] = []
    for index in candidates {
      let box = SuppressionBox(corners, index * 4, isCentred: boxesAreCentred)
      if kept.contains(where: { box.overlaps($0.extent, by: overlap) }) { continue }
      kept.append((index, box))
      if kept.count == limit { break }
    }
    return kept.map(\.index)
  }
}

/// A box of `NonMaxSuppression` by its edges.
private struct SuppressionBox {
  var left: Float
  var top: Float
  var right: Float
  var bottom: Float

  /// The box at `index`: two opposite corners y, x, y, x, or centre x, y, width and height.
  init(_ values: UnsafeBufferPointer<Float>, _ index: Int, isCentred: Bool) {
    let (a, b, c, d) = (values[index], values[index + 1], values[index + 2], values[index + 3])
    if isCentred {
      (left, right) = (a - c / 2, a + c / 2)
      (top, bottom) = (b - d / 2, b + d / 2)
    } else {
      (left, right) = b > d ? (d, b) : (b, d)
      (top, bottom) = a > c ? (c, a) : (a, c)
    }
  }

  /// Whether the intersection over union exceeds `threshold`; empty boxes overlap nothing.
  func overlaps(_ other: SuppressionBox, by threshold: Float) -> Bool {
    let width = min(right, other.right) - max(left, other.left)
    let height = min(bottom, other.bottom) - max(top, other.top)
    guard width > 0, height > 0 else { return false }
    let intersection = width * height
    let area = (right - left) * (bottom - top)
    let otherArea = (other.right - other.left) * (other.bottom - other.top)
    let union = area + otherArea - intersection
    guard intersection > 0, area > 0, otherArea > 0, union > 0 else { return false }
    return intersection / union > threshold
  }
}
