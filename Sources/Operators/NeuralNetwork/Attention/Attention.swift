import GraphIR
import Tensors

/// `y = softmax(scale · q kᵀ + mask) v`, head by head; several heads of q may share one of k and v.
///
/// Inputs: q, k, v, each `[N, heads, length, size]` or `[N, length, heads · size]`, a mask that
/// broadcasts to `[N, heads, queries, keys]` (true or 0 where a key counts, keys beyond its end do
/// not), keys and values of earlier calls `[N, heads, past, size]`, and the number of keys that
/// count in each of the batch. Outputs: y, keys and values with the earlier ones before them, and
/// the products at the stage that `qk_matmul_output_mode` names.
///
/// A query that no key counts for gives zeros. With `is_causal` query *i* sees the keys up to *i* +
/// offset, offset being the number of earlier keys or, where the numbers of keys are given, that
/// number less the queries. Softmax is calculated in the type of q, or in float64 where that is
/// asked for; a lower precision is not imitated.
///
/// Reference: Vaswani et al., *Attention Is All You Need*, arXiv:1706.03762.
struct Attention: PreparedOperator, CostedOperator {
  static let opType = "Attention"

  /// What the fourth output holds.
  enum Stage: Int, Sendable { case products, capped, masked, probabilities }

  let scale: Float?
  let softcap: Float
  let isCausal: Bool
  let stage: Stage
  let queryHeads: Int?
  let keyHeads: Int?
  /// How many keys before and after its own place a query sees; `nil` for all.
  let window: (left: Int?, right: Int?)

  init(attributes: Attributes, opset: Int) throws {
    scale = try attributes.float("scale")
    softcap = try attributes.float("softcap", default: 0)
    isCausal = try attributes.flag("is_causal", default: false)
    let mode = try attributes.int("qk_matmul_output_mode", default: 0)
    guard let stage = Stage(rawValue: mode) else {
      throw AttributeError.invalid(
        name: "qk_matmul_output_mode", reason: "is \(mode), expected 0 to 3")
    }
    self.stage = stage
    queryHeads = try Self.count("q_num_heads", attributes, atLeast: 1)
    keyHeads = try Self.count("kv_num_heads", attributes, atLeast: 1)
    let precision = try attributes.int("softmax_precision", default: 1)
    guard [1, 10, 11, 16].contains(precision) else {
      throw AttributeError.invalid(
        name: "softmax_precision", reason: "is \(precision), which is no type of reals")
    }
    func side(_ name: String) throws -> Int? {
      try Self.count(name, attributes, atLeast: -1).flatMap { $0 < 0 ? nil : $0 }
    }
    window = (try side("left_window_size"), try side("right_window_size"))
  }

  private static func count(
    _ name: String, _ attributes: Attributes, atLeast lowest: Int
  ) throws -> Int? {
    guard let value = try attributes.int(name) else { return nil }
    guard (lowest...1 << 32).contains(value) else {
      throw AttributeError.invalid(name: name, reason: "is \(value), expected at least \(lowest)")
    }
    return value
  }

  func inferTypes(_ inputs: [Operand?]) throws -> [TensorType]? {
    let plan = try AttentionPlan(self, inputs)
    let type = try inputs.required(0).elementType
    let keys = [plan.batch, plan.keyHeads, plan.keys]
    let y =
      plan.isPacked
      ? [plan.batch, plan.queries, plan.heads * plan.valueSize]
      : [plan.batch, plan.heads, plan.queries, plan.valueSize]
    return [
      try TensorType(checking: type, y), try TensorType(checking: type, keys + [plan.size]),
      try TensorType(checking: type, keys + [plan.valueSize]),
      try TensorType(checking: type, [plan.batch, plan.heads, plan.queries, plan.keys]),
    ]
  }

  func prepare(_ site: PreparationSite) throws -> Kernel {
    let plan = try AttentionPlan(self, site.inputs)
    let isFloat = site.outputs[0].elementType == .float32
    let bytes = isFloat ? 4 : 8
    return Kernel(algorithm: "", scratchBytes: plan.scratchCount * bytes) { call in
      if isFloat {
        try AttentionKernel<Float>(rules: self, plan: plan, call: call).run()
      } else {
        try AttentionKernel<Double>(rules: self, plan: plan, call: call).run()
      }
    }
  }

  func macs(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let plan = try? AttentionPlan(self, inputs.map { $0.map { Operand(type: $0) } }) else {
      return 0
    }
    return plan.batch * plan.heads * plan.queries * plan.keys * (plan.size + plan.valueSize)
  }
}

/// The extents of an attention.
struct AttentionPlan: Sendable {
  let batch: Int
  let heads: Int
  let keyHeads: Int
  let queries: Int
  /// Keys of earlier calls.
  let past: Int
  /// All keys.
  let keys: Int
  let size: Int
  let valueSize: Int
  /// Whether heads lie within the last axis, `[N, length, heads · size]`.
  let isPacked: Bool
  /// The mask's strides along `[N, heads, queries]`, and its keys; `nil` without a mask.
  let mask: (strides: [Int], keys: Int)?

  /// The elements of working memory: queries, keys, values, products and results of one head.
  var scratchCount: Int {
    queries * size + keys * (size + valueSize) + queries * (keys + valueSize) + 64
  }

  init(_ rules: Attention, _ inputs: [Operand?]) throws {
    try inputs.checkCount(3...7)
    let (q, k, v) = (try inputs.required(0), try inputs.required(1), try inputs.required(2))
    try q.check(0, holds: .float32, .float64)
    try q.check(0, rank: 3...4)
    for (index, operand) in [(1, k), (2, v)] {
      try operand.check(index, holds: q.elementType)
      try operand.check(index, rank: q.shape.count...q.shape.count)
    }
    isPacked = q.shape.count == 3
    let query = try Self.unpacked(0, q.shape, heads: rules.queryHeads)
    let key = try Self.unpacked(1, k.shape, heads: rules.keyHeads)
    let value = try Self.unpacked(2, v.shape, heads: rules.keyHeads)
    guard query[0] == key[0], key[0] == value[0], key[1] == value[1], key[2] == value[2],
      query[3] == key[3], key[1] > 0, query[1] > 0, query[1].isMultiple(of: key[1]),
      (query + key + value).allSatisfy({ $0 <= 1 << 32 })
    else {
      throw OperatorError.incompatible(
        [q.shape, k.shape, v.shape], reason: "do not fit as queries, keys and values")
    }
    (batch, heads, queries, size) = (query[0], query[1], query[2], query[3])
    (keyHeads, valueSize) = (key[1], value[3])
    past = try Self.past(inputs, key: key, value: value)
    keys = past + key[2]
    for (rows, columns) in [
      (queries, size), (keys, size), (keys, valueSize), (queries, valueSize), (queries, keys),
      (heads, size), (heads, valueSize),
    ] {
      _ = try TensorType(checking: .float64, [rows, columns])
    }
    mask = try Self.mask(inputs, within: [batch, heads, queries, keys])
    if let counts = inputs.optional(6) {
      try counts.check(6, holds: .int64)
      try counts.check(6, shape: [batch], "the numbers of keys")
      guard past == 0 else {
        throw OperatorError.unsupported("numbers of keys beside keys of earlier calls")
      }
    }
  }

  private static func unpacked(_ input: Int, _ shape: [Int], heads: Int?) throws -> [Int] {
    if shape.count == 4 { return shape }
    guard let heads else {
      throw AttributeError.missing(name: input == 0 ? "q_num_heads" : "kv_num_heads")
    }
    guard shape[2].isMultiple(of: heads) else {
      throw OperatorError.shape(
        input: input, found: shape, reason: "does not fall into \(heads) heads")
    }
    return [shape[0], heads, shape[1], shape[2] / heads]
  }

  private static func past(_ inputs: [Operand?], key: [Int], value: [Int]) throws -> Int {
    guard let pastKey = inputs.optional(4), let pastValue = inputs.optional(5) else {
      guard inputs.optional(4) == nil, inputs.optional(5) == nil else {
        throw OperatorError.unsupported("earlier keys without earlier values")
      }
      return 0
    }
    let type = try inputs.required(0).elementType
    try pastKey.check(4, holds: type)
    try pastKey.check(4, rank: 4...4)
    try pastValue.check(5, holds: type)
    let past = pastKey.shape[2]
    try pastKey.check(4, shape: [key[0], key[1], past, key[3]], "earlier keys")
    try pastValue.check(5, shape: [key[0], key[1], past, value[3]], "earlier values")
    return past
  }

  private static func mask(
    _ inputs: [Operand?], within shape: [Int]
  ) throws -> (strides: [Int], keys: Int)? {
    guard let mask = inputs.optional(3) else { return nil }
    try mask.check(3, holdsOneOf: [.bool, try inputs.required(0).elementType])
    try mask.check(3, rank: 1...4)
    let outer = Array(shape.dropLast())
    let keys = mask.shape[mask.shape.count - 1]
    guard keys <= shape[3],
      try Broadcasting.shape([Array(mask.shape.dropLast()), outer]) == outer
    else {
      throw OperatorError.shape(
        input: 3, found: mask.shape, reason: "does not broadcast to \(shape) as a mask")
    }
    let lifted = [Int](repeating: 1, count: 4 - mask.shape.count) + mask.shape
    return (Array(Broadcasting.strides(of: lifted, in: shape).dropLast()), keys)
  }
}
