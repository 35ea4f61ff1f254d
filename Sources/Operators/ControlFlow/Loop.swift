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
  private let opset: Int

  init(attributes: Attributes, opset: Int) throws {
    body = try attributes.requiredGraph("body")
    round = try attributes.int(Self.round, default: 0)
    self.opset = opset
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
      try output(slot).inline(
        (0..<round).map { node.inputs[2 + carried + $0 * scanned + slot] },
        as: node.outputs[carried + slot], opset: opset, &inlining)
    }
  }

  private func output(_ slot: Int) -> RoundOutput {
    RoundOutput(declared: body.outputs[1 + carried + slot])
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
    let pool = ThreadPool(threads: 1)
    return try values + scans.enumerated().map { try output($0).stacked($1, pool: pool) }
  }
}
