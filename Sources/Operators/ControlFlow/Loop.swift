import GraphIR
import Tensors

/// A graph run again and again, on what it made the last time, while a condition holds and a count
/// is not reached.
///
/// Inputs: the count and the condition, each optional, and *N* first values. The body takes the
/// number of the round, the condition and the *N* values, and makes the next condition, the next
/// values and *K* more, of which each output holds those of all rounds along a new first axis.
///
/// Inlining replaces a node by one round and a node for the rest, which knows how many rounds there
/// were and takes what they made of the *K* values as further inputs.
struct Loop: SubgraphOperator {
  static let opType = "Loop"

  /// Where the node for the rest keeps the number of rounds before it.
  private static let round = "compress_round"

  let body: Graph
  let round: Int
  private let carried: Int
  private let scanned: Int
  private let takesAxes: Bool

  init(attributes: Attributes, opset: Int) throws {
    body = try attributes.requiredGraph("body")
    round = try attributes.int(Self.round, default: 0)
    takesAxes = opset >= 13
    carried = body.inputs.count - 2
    scanned = body.outputs.count - 1 - carried
    guard carried >= 0, scanned >= 0 else {
      throw AttributeError.invalid(
        name: "body",
        reason:
          "has \(body.inputs.count) inputs and \(body.outputs.count) outputs, which do not fit")
    }
    guard round >= 0, round <= InliningBudget.nodes else {
      throw AttributeError.invalid(name: Self.round, reason: "is \(round)")
    }
  }

  /// What count and condition say of the next round.
  private enum Decision { case again, finished, unknown }

  private func decide(_ inputs: [Operand?], round: Int) throws -> Decision {
    let expected = 2 + carried + self.round * scanned
    try inputs.checkCount(expected...expected)
    for index in 2..<expected { _ = try inputs.required(index) }
    let count = try inputs[0].map { try $0.constantInteger(0) }
    let condition = try inputs[1].map { try $0.constantFlag(1) }
    if let count = count ?? nil, count <= round { return .finished }
    if condition == .some(.some(false)) { return .finished }
    return count == .some(.none) || condition == .some(.none) ? .unknown : .again
  }

  func inline(_ inlining: inout Inlining) throws -> Bool {
    switch try decide(inlining.inputs, round: round) {
    case .unknown: return false
    case .finished: try finish(&inlining)
    case .again:
      guard try isShort(inlining.inputs) else { return false }
      try repeatOnce(&inlining)
    }
    return true
  }

  /// Whether so many rounds as the count says may be written out; without a count nobody knows.
  private func isShort(_ inputs: [Operand?]) throws -> Bool {
    guard let count = try inputs[0]?.constantInteger(0), count < 1 << 32 else { return true }
    return (count - round) * (body.nodes.count + 1) <= InliningBudget.nodes
  }

  private func repeatOnce(_ inlining: inout Inlining) throws {
    let node = inlining.node
    let body = inlining.hoisted(body)
    let number = inlining.constant(Tensor(scalar: Int64(round)))
    let condition =
      node.inputs[1].isEmpty ? inlining.constant(Tensor(scalar: true)) : node.inputs[1]
    let made = try inlining.copy(
      body, arguments: [number, condition] + node.inputs[2..<2 + carried])
    var rest = node
    rest.attributes["body"] = .graph(body)
    rest.attributes[Self.round] = .int(round + 1)
    rest.inputs = [node.inputs[0]] + made[...carried] + node.inputs[(2 + carried)...]
    rest.inputs += made[(1 + carried)...]
    inlining.append(rest)
  }

  private func finish(_ inlining: inout Inlining) throws {
    let node = inlining.node
    for index in 0..<carried { inlining.set(output: index, to: node.inputs[2 + index]) }
    for slot in 0..<scanned where node.outputs.indices.contains(carried + slot) {
      let output = node.outputs[carried + slot]
      if output.isEmpty { continue }
      guard round > 0 else {
        let nothing = Tensor(zeros: try emptyType(slot))
        inlining.set(output: carried + slot, to: inlining.constant(nothing))
        continue
      }
      let axis = inlining.constant(Tensor([Int64(0)]))
      let parts = (0..<round).map { round in
        unsqueezed(node.inputs[2 + carried + round * scanned + slot], axis, &inlining)
      }
      inlining.append(
        Node("Concat", inputs: parts, outputs: [output], attributes: ["axis": .int(0)]))
    }
  }

  private func unsqueezed(_ name: String, _ axis: String, _ inlining: inout Inlining) -> String {
    takesAxes
      ? inlining("Unsqueeze", name, axis)
      : inlining("Unsqueeze", name, attributes: ["axes": .ints([0])])
  }

  /// The type of no round's values, extents that nobody declared being 0.
  private func emptyType(_ slot: Int) throws -> TensorType {
    guard case .tensor(let element, let shape) = body.outputs[1 + carried + slot].type else {
      throw OperatorError.unsupported("no rounds of a body whose outputs' types are not declared")
    }
    return try TensorType(checking: element, [0] + (shape ?? []).map { $0.extent ?? 0 })
  }

  func evaluate(_ inputs: [Tensor?], running run: SubgraphRun) throws -> [Tensor] {
    var known = inputs.map { $0.map { Operand(constant: $0) } }
    var round = round
    var decision = try decide(known, round: round)
    let given = inputs.dropFirst(2).compactMap { $0 }
    var values = Array(given.prefix(carried))
    var scans = (0..<scanned).map { slot in
      stride(from: carried + slot, to: given.count, by: max(scanned, 1)).map { given[$0] }
    }
    while decision == .again {
      let condition = known[1]?.constant ?? Tensor(scalar: true)
      let made = try run(body, [Tensor(scalar: Int64(round)), condition] + values)
      known[1] = Operand(constant: made[0])
      values = Array(made[1..<1 + carried])
      for slot in scans.indices { scans[slot].append(made[1 + carried + slot]) }
      round += 1
      decision = try decide(known, round: round)
    }
    return try values
      + scans.enumerated().map { slot, parts in
        parts.isEmpty ? Tensor(zeros: try emptyType(slot)) : try stacked(parts)
      }
  }

  /// Tensors of one type along a new first axis.
  private func stacked(_ parts: [Tensor]) throws -> Tensor {
    let type = parts[0].type
    try Operand(type: type).checkMovable(0)
    guard parts.allSatisfy({ $0.type == type }) else {
      throw OperatorError.incompatible(
        parts.map(\.shape), reason: "come from rounds and cannot be stacked")
    }
    let result = Tensor(
      uninitialized: try TensorType(checking: type.elementType, [parts.count] + type.shape))
    for (index, part) in parts.enumerated() {
      part.withUnsafeBytes { bytes in
        guard let source = bytes.baseAddress else { return }
        (result.view.base + index * bytes.count).copyMemory(from: source, byteCount: bytes.count)
      }
    }
    return result
  }
}
