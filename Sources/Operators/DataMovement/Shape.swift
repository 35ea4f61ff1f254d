import GraphIR
import Tensors

/// The extents of the input from axis `start` up to, but without, `end` (from opset 15) as int64.
struct Shape: ShapeOperator {
  static let opType = "Shape"

  let start: Int
  let end: Int?

  init(attributes: Attributes, opset: Int) throws {
    start = opset >= 15 ? try attributes.int("start", default: 0) : 0
    end = opset >= 15 ? try attributes.int("end") : nil
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(1...1)
    return [TensorType(.int64, [extents(try inputs.required(0).shape).count])]
  }

  func forward(_ call: OperatorCall) throws {
    let y = call.outputs[0].elements(as: Int64.self)
    for (index, extent) in extents(try call.input(0).shape).enumerated() {
      y[index] = Int64(extent)
    }
  }

  func evaluate(types: [TensorType?]) throws -> [Tensor] {
    _ = try inferTypes(types.map { $0.map { Operand(type: $0) } })
    return [Tensor(extents(types.first??.shape ?? []).map { Int64($0) })]
  }

  private func extents(_ shape: [Int]) -> ArraySlice<Int> {
    func place(_ axis: Int) -> Int {
      min(max(axis < 0 ? axis + shape.count : axis, 0), shape.count)
    }
    let (first, last) = (place(start), place(end ?? shape.count))
    return shape[first..<max(first, last)]
  }
}
