import GraphIR
import Tensors

/// The elements from `starts` up to, but without, `ends` in `steps` along `axes`.
///
/// The bounds are attributes up to opset 9, inputs from 10 on. They may count from the end and are
/// clamped to the axis; a negative step walks backwards.
struct Slice: StridedCopyOperator, DifferentiableOperator {
  static let opType = "Slice"

  private struct Bounds {
    var starts: [Int]
    var ends: [Int]
    var axes: [Int]?
    var steps: [Int]?
  }

  /// Where the walk along each axis of the input begins, how far it steps and how often.
  private struct Walk {
    var starts: [Int]
    var steps: [Int]
    var counts: [Int]
  }

  private let attributes: Bounds?

  init(attributes: Attributes, opset: Int) throws {
    guard opset < 10 else {
      self.attributes = nil
      return
    }
    guard let starts = try attributes.ints("starts") else {
      throw AttributeError.missing(name: "starts")
    }
    guard let ends = try attributes.ints("ends") else {
      throw AttributeError.missing(name: "ends")
    }
    self.attributes = Bounds(starts: starts, ends: ends, axes: try attributes.ints("axes"))
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(attributes == nil ? 3...5 : 1...1)
    let x = try inputs.required(0)
    try x.checkMovable(0)
    return try walk(x, inputs).map { [TensorType(x.elementType, $0.counts)] }
  }

  func copy(_ inputs: [Operand?], _ output: TensorType) throws -> StridedCopy {
    let x = try inputs.required(0)
    guard let walk = try walk(x, inputs) else { throw OperatorErrors.dynamicTypes }
    let strides = x.shape.contiguousStrides
    return StridedCopy(
      output.shape, from: zip(strides, walk.steps).map { $0 * $1 },
      to: output.shape.contiguousStrides, elementBytes: x.elementBytes,
      sourceOffset: zip(strides, walk.starts).reduce(0) { $0 + $1.0 * $1.1 })
  }

  private func walk(_ x: Operand, _ inputs: [Operand?]) throws -> Walk? {
    guard let bounds = try attributes ?? bounds(inputs) else { return nil }
    let axes = try (bounds.axes ?? Array(bounds.starts.indices)).axes(ofRank: x.shape.count)
    let steps = bounds.steps ?? axes.map { _ in 1 }
    guard [bounds.starts, bounds.ends, steps].allSatisfy({ $0.count == axes.count }) else {
      throw OperatorError.unsupported(
        "bounds of different lengths: starts \(bounds.starts), ends \(bounds.ends), axes \(axes), "
          + "steps \(steps)")
    }
    var walk = Walk(
      starts: x.shape.map { _ in 0 }, steps: x.shape.map { _ in 1 }, counts: x.shape)
    for (index, axis) in axes.enumerated() {
      let extent = x.shape[axis]
      guard steps[index] != 0 else { throw OperatorError.unsupported("a step of 0") }
      let step = min(max(steps[index], -extent - 1), extent + 1)
      let lowest = step > 0 ? 0 : -1
      func place(_ bound: Int, from low: Int) -> Int {
        min(max(bound < 0 ? bound + extent : bound, low), extent + lowest)
      }
      let (start, end) = (
        place(bounds.starts[index], from: 0), place(bounds.ends[index], from: lowest)
      )
      let count = step > 0 ? (end - start + step - 1) / step : (start - end - step - 1) / -step
      (walk.starts[axis], walk.steps[axis]) = (max(start, 0), step)
      walk.counts[axis] = max(0, count)
    }
    return walk
  }

  private func bounds(_ inputs: [Operand?]) throws -> Bounds? {
    guard let starts = try inputs.required(1).constantIntegers(1),
      let ends = try inputs.required(2).constantIntegers(2)
    else { return nil }
    var bounds = Bounds(starts: starts, ends: ends)
    if let axes = inputs.optional(3) {
      guard let values = try axes.constantIntegers(3) else { return nil }
      bounds.axes = values
    }
    if let steps = inputs.optional(4) {
      guard let values = try steps.constantIntegers(4) else { return nil }
      bounds.steps = values
    }
    return bounds
  }

  /// Carries the gradient back: `∂x` gathers `∂y` where the copy took it from.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    [try derivation.adjoint(of: copy(derivation.inputs, derivation.outputs[0]))]
  }
}

extension Slice {
  /// Bounds, within what stays of the input, of what stays of the output.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when that is no arithmetic progression.
  func adjustment(for removal: ChannelRemoval) throws -> ChannelAdjustment {
    guard let x = removal.inputs[0], let kept = removal.keptInputs[0],
      let walk = try walk(x, removal.inputs)
    else { throw OperatorErrors.dynamicTypes }
    var bounds = Bounds(starts: [], ends: [], axes: [], steps: [])
    for axis in x.shape.indices {
      let (start, step) = (walk.starts[axis], walk.steps[axis])
      let isWhole = walk.counts[axis] == x.shape[axis] && step == 1
      guard !isWhole else { continue }
      let places = Dictionary(uniqueKeysWithValues: kept[axis].enumerated().map { ($1, $0) })
      let chosen = try removal.keptOutputs[0][axis].map { index in
        guard let place = places[start + index * step] else {
          throw OperatorError.unsupported("a slice of what is removed")
        }
        return place
      }
      let stride = chosen.count > 1 ? chosen[1] - chosen[0] : step.signum()
      guard zip(chosen, chosen.dropFirst()).allSatisfy({ $1 - $0 == stride }), stride != 0,
        let first = chosen.first, let last = chosen.last
      else { throw OperatorError.unsupported("a slice of unevenly spaced channels") }
      let end = last + stride.signum()
      bounds.starts.append(first)
      // Below the first element only a bound that counts from the end says so.
      bounds.ends.append(end < 0 ? -kept[axis].count - 1 : end)
      bounds.axes?.append(axis)
      bounds.steps?.append(stride)
    }
    return try adjustment(bounds, removal)
  }

  private func adjustment(
    _ bounds: Bounds, _ removal: ChannelRemoval
  ) throws -> ChannelAdjustment {
    let (axes, steps) = (bounds.axes ?? [], bounds.steps ?? [])
    guard attributes == nil else {
      guard steps.allSatisfy({ $0 == 1 }) else {
        throw OperatorError.unsupported("steps before operator set 10")
      }
      var attributes = removal.attributes
      attributes["starts"] = .ints(bounds.starts)
      attributes["ends"] = .ints(bounds.ends)
      attributes["axes"] = .ints(axes)
      return ChannelAdjustment(attributes: attributes)
    }
    let operands = [bounds.starts, bounds.ends, axes, steps].map { Tensor($0.map(Int64.init)) }
    return ChannelAdjustment(
      operands: Dictionary(uniqueKeysWithValues: zip(1...4, operands)))
  }
}

extension Slice: QuantizableOperator {
  static var quantizationRole: QuantizationRole { .layout }
}
