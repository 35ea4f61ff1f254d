import Foundation
import ObjectDetection
import Tensors
import Training

/// The heads of a teacher and a student that score the same classes in the same cells.
public struct HeadPair: Sendable {
  /// The student's layout.
  public let student: CellLayout
  /// The teacher's layout, in the order of its own maps.
  public let teacher: CellLayout
  /// Whether boxes can be compared number by number.
  let comparesBoxes: Bool

  /// Pairs two heads.
  ///
  /// - Throws: ``DistillationError/heads(loss:reason:)`` with the difference.
  public init(student: RawHead, _ shapes: [[Int]], teacher: RawHead, _ teacherShapes: [[Int]])
    throws
  {
    func refuse(_ reason: String) -> DistillationError { .heads(loss: "the loss", reason: reason) }
    let (own, other) = (student.configuration.classes, teacher.configuration.classes)
    guard own.map({ $0.lowercased() }) == other.map({ $0.lowercased() }) else {
      throw refuse(
        "the classes differ: \(own.prefix(5).joined(separator: ", ")) … against "
          + "\(other.prefix(5).joined(separator: ", ")) …")
    }
    self.student = CellLayout(student, shapes: shapes)
    self.teacher = CellLayout(teacher, shapes: teacherShapes)
    let (s, t) = (self.student, self.teacher)
    func extents(_ layout: CellLayout) -> [[Int]] {
      layout.scales.map { [$0.rows, $0.columns, $0.anchors] }
    }
    guard s.isSoftmax == t.isSoftmax, extents(s) == extents(t) else {
      throw refuse(
        "a \(student.configuration.family) head of cells \(extents(s)) is not a "
          + "\(teacher.configuration.family) head of \(extents(t))")
    }
    comparesBoxes =
      s.bins == t.bins && student.configuration.family == teacher.configuration.family
      && student.configuration.anchors == teacher.configuration.anchors
  }

  /// The numbers of a cell in both networks.
  struct Cell {
    var scale: Int
    var student: CellLayout.Scale
    var teacher: CellLayout.Scale
    var image: Int
    var anchor: Int
    var cell: Int
    /// The index among all cells of the image.
    var index: Int
  }

  /// Visits all cells of an image in order.
  @inline(__always)
  func forEachCell(of image: Int, _ body: (Cell) -> Void) {
    var index = 0
    for scale in student.scales.indices {
      let (own, other) = (student.scales[scale], teacher.scales[scale])
      for anchor in 0..<own.anchors {
        for cell in 0..<own.cells {
          body(
            Cell(
              scale: scale, student: own, teacher: other, image: image, anchor: anchor,
              cell: cell, index: index))
          index += 1
        }
      }
    }
  }

  /// The teacher's confidence in each cell of an image: the score of the likeliest class, times the
  /// objectness where there is one.
  func confidences(_ maps: [UnsafePointer<Float>], image: Int) -> [Float] {
    var result = [Float](repeating: 0, count: teacher.cells)
    forEachCell(of: image) { cell in
      let run = cell.teacher.scores
      let (values, place) = (maps[run.map], run.place(image, cell.anchor, cell.cell))
      if teacher.isSoftmax {
        let normalizer = logSumExp(values + place, count: teacher.scores, step: run.channel)
        result[cell.index] = 1 - exp(values[place] - normalizer)
        return
      }
      var best = -Float.infinity
      for index in 0..<teacher.scores { best = max(best, values[place + index * run.channel]) }
      var confidence = sigmoid(best)
      if let run = cell.teacher.objectness {
        confidence *= sigmoid(maps[run.map][run.place(image, cell.anchor, cell.cell)])
      }
      result[cell.index] = confidence
    }
    return result
  }

  /// Whether the centre of each cell of an image lies in an object, as 1 or 0.
  func foreground(_ targets: [LabelledBox]) -> [Float] {
    var result = [Float](repeating: 0, count: teacher.cells)
    guard !targets.isEmpty else { return result }
    forEachCell(of: 0) { cell in
      let (row, column) = cell.cell.quotientAndRemainder(dividingBy: cell.student.columns)
      let x = (Double(column) + 0.5) * Double(cell.student.stride)
      let y = (Double(row) + 0.5) * Double(cell.student.stride)
      let isInside = targets.contains {
        $0.box.left <= x && x <= $0.box.right && $0.box.top <= y && y <= $0.box.bottom
      }
      if isInside { result[cell.index] = 1 }
    }
    return result
  }
}

/// The logistic function.
@inline(__always)
func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

/// `log Σ e^x` of numbers that are `step` apart and divided by a temperature first.
@inline(__always)
func logSumExp(
  _ values: UnsafePointer<Float>, count: Int, step: Int, temperature: Float = 1
) -> Float {
  var largest = -Float.infinity
  for index in 0..<count { largest = max(largest, values[index * step] / temperature) }
  var sum: Float = 0
  for index in 0..<count { sum += exp(values[index * step] / temperature - largest) }
  return largest + log(sum)
}
