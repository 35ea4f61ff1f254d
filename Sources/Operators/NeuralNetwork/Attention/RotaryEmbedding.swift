import GraphIR
import Tensors

/// Pairs of elements turned by angles that depend on the place in the sequence, from tables of
/// cosines and sines.
///
/// Inputs: x `[N, heads, length, size]` or `[N, length, heads · size]`, cosines and sines `[N,
/// length, rotated / 2]`, or `[places, rotated / 2]` with the place of each element of the sequence
/// `[N, length]`. The first `rotary_embedding_dim` elements of a head are turned, all when it is 0;
/// pairs are halves apart, or neighbours when `interleaved`.
///
/// Reference: Su et al., *RoFormer*, arXiv:2104.09864.
struct RotaryEmbedding: Operator, DifferentiableOperator {
  static let opType = "RotaryEmbedding"

  let isInterleaved: Bool
  let rotated: Int
  let heads: Int

  init(attributes: Attributes, opset: Int) throws {
    isInterleaved = try attributes.flag("interleaved", default: false)
    rotated = try attributes.int("rotary_embedding_dim", default: 0)
    heads = try attributes.int("num_heads", default: 0)
    for (name, value) in [("rotary_embedding_dim", rotated), ("num_heads", heads)] {
      guard (0...1 << 32).contains(value) else {
        throw AttributeError.invalid(name: name, reason: "is \(value)")
      }
    }
  }

  private struct Plan {
    var batch: Int
    var length: Int
    var heads: Int
    var size: Int
    var rotated: Int
    var isPacked: Bool
  }

  private func plan(_ shape: [Int]) throws -> Plan {
    let isPacked = shape.count == 3
    let heads = isPacked ? self.heads : shape[1]
    guard heads > 0, !isPacked || shape[2].isMultiple(of: heads) else {
      throw OperatorError.shape(input: 0, found: shape, reason: "does not fall into \(heads) heads")
    }
    let size = isPacked ? shape[2] / heads : shape[3]
    let rotated = self.rotated == 0 ? size : self.rotated
    guard rotated <= size, rotated.isMultiple(of: 2) else {
      throw OperatorError.shape(
        input: 0, found: shape, reason: "has heads of \(size), of which \(rotated) cannot be turned"
      )
    }
    return Plan(
      batch: shape[0], length: isPacked ? shape[1] : shape[2], heads: heads, size: size,
      rotated: rotated, isPacked: isPacked)
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    try inputs.checkCount(3...4)
    let x = try inputs.required(0)
    try x.check(0, holds: .float32, .float64)
    try x.check(0, rank: 3...4)
    let plan = try plan(x.shape)
    for index in 1...2 {
      let table = try inputs.required(index)
      try table.check(index, holds: x.elementType)
      if let places = inputs.optional(3) {
        try places.check(3, holds: .int64)
        try places.check(3, shape: [plan.batch, plan.length], "the places")
        try table.check(index, rank: 2...2)
        try table.check(index, shape: [table.shape[0], plan.rotated / 2], "a table of angles")
      } else {
        let shape = [plan.batch, plan.length, plan.rotated / 2]
        try table.check(index, shape: shape, "a table of angles")
      }
    }
    guard try inputs.required(1).shape == inputs.required(2).shape else {
      throw OperatorError.unsupported("tables of cosines and sines of two lengths")
    }
    return [x.type]
  }

  func forward(_ call: OperatorCall) throws {
    try call.outputs[0].elementType == .float32 ? turn(call, Float.self) : turn(call, Double.self)
  }

  private func turn<Real: TensorElement & BinaryFloatingPoint>(
    _ call: OperatorCall, _: Real.Type
  ) throws {
    let plan = try plan(call.outputs[0].shape)
    let x = try call.input(0).words(as: Real.self)
    let tables = (try call.input(1).words(as: Real.self), try call.input(2).words(as: Real.self))
    let (places, y) = (call.optionalInput(3), call.outputs[0].words(as: Real.self))
    let half = plan.rotated / 2
    for row in 0..<plan.batch * plan.length {
      var place = row
      if let places {
        place = places.integer(at: row)
        let extent = try call.input(1).shape[0]
        guard place >= 0, place < extent else { throw OperatorErrors.index(place, extent: extent) }
      }
      let (batch, step) = row.quotientAndRemainder(dividingBy: max(plan.length, 1))
      for head in 0..<plan.heads {
        let start =
          plan.isPacked
          ? (row * plan.heads + head) * plan.size
          : ((batch * plan.heads + head) * plan.length + step) * plan.size
        for pair in 0..<half {
          let first = start + (isInterleaved ? 2 * pair : pair)
          let second = start + (isInterleaved ? 2 * pair + 1 : pair + half)
          let (cosine, sine) = (tables.0[place * half + pair], tables.1[place * half + pair])
          let (a, b) = (x[first], x[second])
          y[first] = cosine * a - sine * b
          y[second] = sine * a + cosine * b
        }
        for rest in plan.rotated..<plan.size { y[start + rest] = x[start + rest] }
      }
    }
  }

  /// Carries the gradient back: ∂y turned the other way.
  ///
  /// - Throws: ``OperatorError/unsupported(_:)`` when a gradient of the tables is asked for.
  func differentiate(_ derivation: inout Derivation) throws -> [String?] {
    guard !derivation.wants(1), !derivation.wants(2) else {
      throw OperatorError.unsupported("a derivative of its cosines and sines")
    }
    let tables = [derivation.input(1), derivation("Neg", derivation.input(2))]
    let places = derivation.node.inputs.dropFirst(3)
    return derivation.append(
      Self.opType, [derivation.gradient()] + tables + places, outputs: 1,
      attributes: derivation.node.attributes)
  }
}
