import GraphIR
import Tensors

/// A graph run for each slice of some inputs, on the slices and on what it made the last time.
///
/// Inputs: *N* first values and `num_scan_inputs` values to slice, each along its axis and from its
/// end or beginning. The body takes the *N* values and the slices, and makes the next values and
/// *K* more, of which each output holds those of all rounds along an axis of its own.
struct Scan: SubgraphOperator {
  static let opType = "Scan"

  let body: Graph
  private let carried: Int
  private let sliced: [(axis: Int, isReversed: Bool)]
  private let outputs: [RoundOutput]
  private let opset: Int

  init(attributes: Attributes, opset: Int) throws {
    guard opset >= 9 else {
      throw OperatorError.unsupported("the batches of opset 8")
    }
    self.opset = opset
    let body = try attributes.requiredGraph("body")
    self.body = body
    let count = try attributes.requiredInt("num_scan_inputs")
    guard (1...max(1, body.inputs.count)).contains(count), !body.inputs.isEmpty else {
      throw AttributeError.invalid(
        name: "num_scan_inputs", reason: "is \(count) beside a body of \(body.inputs.count) inputs")
    }
    let carried = body.inputs.count - count
    let made = body.outputs.count - carried
    guard made >= 0 else {
      throw AttributeError.invalid(
        name: "body",
        reason: "makes \(body.outputs.count) values, fewer than the \(carried) it carries")
    }
    func numbers(_ name: String, _ count: Int) throws -> [Int] {
      let values = try attributes.ints(name) ?? [Int](repeating: 0, count: count)
      guard values.count == count else {
        throw AttributeError.invalid(name: name, reason: "is \(values), expected \(count) numbers")
      }
      return values
    }
    self.carried = carried
    sliced = zip(
      try numbers("scan_input_axes", count), try numbers("scan_input_directions", count)
    ).map { (axis: $0, isReversed: $1 != 0) }
    let axes = try numbers("scan_output_axes", made)
    let directions = try numbers("scan_output_directions", made)
    outputs = (0..<made).map {
      RoundOutput(
        declared: body.outputs[carried + $0], axis: axes[$0], isReversed: directions[$0] != 0)
    }
  }

  /// The number of rounds: the extent that all sliced inputs have along their axes.
  private func rounds(_ inputs: [Operand?]) throws -> Int {
    let expected = carried + sliced.count
    try inputs.checkCount(expected...expected)
    for index in 0..<carried { _ = try inputs.required(index) }
    let extents = try sliced.enumerated().map { index, slice in
      let shape = try inputs.required(carried + index).shape
      return shape[try slice.axis.axis(ofRank: shape.count)]
    }
    guard Set(extents).count == 1 else {
      throw OperatorError.unsupported("values to slice of extents \(extents)")
    }
    return extents[0]
  }

  func inline(_ inlining: inout Inlining) throws -> Bool {
    let rounds = try rounds(inlining.inputs)
    guard rounds < InliningBudget.nodes,
      rounds * (body.nodes.count + sliced.count + 1) <= InliningBudget.nodes
    else { return false }
    let node = inlining.node
    let body = inlining.hoisted(body)
    var values = Array(node.inputs[..<carried])
    var made = outputs.map { _ in [String]() }
    for round in 0..<rounds {
      let slices = sliced.enumerated().map { index, slice in
        let place = slice.isReversed ? rounds - 1 - round : round
        let number = inlining.constant(Tensor(scalar: Int64(place)))
        return inlining(
          "Gather", node.inputs[carried + index], number, attributes: ["axis": .int(slice.axis)])
      }
      let results = try inlining.copy(body, arguments: values + slices)
      values = Array(results[..<carried])
      for slot in made.indices { made[slot].append(results[carried + slot]) }
    }
    for (index, value) in values.enumerated() { inlining.set(output: index, to: value) }
    for (slot, output) in outputs.enumerated() where node.outputs.indices.contains(carried + slot) {
      try output.inline(
        made[slot], as: node.outputs[carried + slot], opset: opset, &inlining)
    }
    return true
  }

  func evaluate(_ inputs: [Tensor?], running run: SubgraphRun) throws -> [Tensor] {
    let rounds = try rounds(inputs.map { $0.map { Operand(constant: $0) } })
    let given = inputs.compactMap { $0 }
    let pool = ThreadPool(threads: 1)
    var values = Array(given[..<carried])
    var made = outputs.map { _ in [Tensor]() }
    for round in 0..<rounds {
      let slices = try sliced.enumerated().map { index, slice in
        let place = Tensor(scalar: Int64(slice.isReversed ? rounds - 1 - round : round))
        return try Gather(attributes: ["axis": .int(slice.axis)], opset: 13)
          .evaluate([given[carried + index], place], pool: pool)[0]
      }
      let results = try run(body, values + slices)
      values = Array(results[..<carried])
      for slot in made.indices { made[slot].append(results[carried + slot]) }
    }
    return try values + zip(outputs, made).map { try $0.stacked($1, pool: pool) }
  }
}
