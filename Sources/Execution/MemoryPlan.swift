import GraphIR
import Tensors

/// Where each value of a specialised graph lies in one block of memory.
///
/// A buffer holds one value, or several: views of it, values that overwrite it, and parts that are
/// concatenated in it. Buffers whose lifetimes do not overlap share addresses. They are placed
/// largest first, each at the lowest offset that is free during its lifetime.
struct MemoryPlan {
  /// The byte offset of each value in the arena.
  private(set) var offsets: [String: Int] = [:]
  /// The bytes of the arena.
  private(set) var byteCount = 0
  /// Steps that have nothing left to do, because their outputs are views.
  private(set) var elided: Set<Int> = []
  /// Inputs of `Concat`-like steps that were not written in place and must be copied.
  private(set) var copies: [Int: [Copy]] = [:]

  /// A block to copy into an output.
  struct Copy {
    var source: String
    var destination: String
    var byteOffset: Int
    var byteCount: Int
  }

  private struct Buffer {
    var byteCount: Int
    var parent: (buffer: Int, offset: Int)?
    var first: Int
    var last: Int
    var isPinned = false
  }

  static let alignment = 64
  private var buffers: [Buffer] = []
  private var places: [String: (buffer: Int, offset: Int)] = [:]
  private var lastUse: [String: Int] = [:]

  init(_ graph: SpecializedGraph, sharesMemory: Bool) {
    for (index, step) in graph.steps.enumerated() {
      for name in step.node.reads { lastUse[name] = index }
    }
    for output in graph.graph.outputs { lastUse[output.name] = .max }
    for (name, type) in graph.inputs {
      place(name, in: makeBuffer(type.byteCount, first: -1, last: .max, isPinned: true))
    }
    for (index, step) in graph.steps.enumerated() where step.outputs != nil {
      plan(index, step, sharesMemory: sharesMemory)
    }
    if !sharesMemory {
      for index in buffers.indices { (buffers[index].first, buffers[index].last) = (-1, .max) }
    }
    assignOffsets()
  }

  // MARK: Buffers

  private mutating func makeBuffer(
    _ byteCount: Int, first: Int, last: Int, isPinned: Bool = false
  ) -> Int {
    buffers.append(Buffer(byteCount: byteCount, first: first, last: last, isPinned: isPinned))
    return buffers.count - 1
  }

  private mutating func place(_ name: String, in buffer: Int, offset: Int = 0) {
    places[name] = (buffer, offset)
  }

  /// The outermost buffer around a value, and the value's offset in it.
  private func root(of name: String) -> (buffer: Int, offset: Int)? {
    guard var (buffer, offset) = places[name] else { return nil }
    while let parent = buffers[buffer].parent {
      offset += parent.offset
      buffer = parent.buffer
    }
    return (buffer, offset)
  }

  private mutating func extendLife(of buffer: Int, by name: String, at index: Int) {
    buffers[buffer].last = max(buffers[buffer].last, lastUse[name] ?? index)
  }

  // MARK: Steps

  private mutating func plan(_ index: Int, _ step: SpecializedGraph.Step, sharesMemory: Bool) {
    let types = step.outputs ?? []
    if sharesMemory, planViews(index, step, types) { return }
    for (slot, type) in zip(step.node.outputs.indices, types) {
      let name = step.value(slot, of: index)
      if sharesMemory, slot == 0, let source = overwritable(index, step, type) {
        place(name, in: source.buffer, offset: source.offset)
        extendLife(of: source.buffer, by: name, at: index)
      } else {
        place(
          name,
          in: makeBuffer(type.byteCount, first: index, last: lastUse[name] ?? index))
      }
    }
    if sharesMemory { planJoin(index, step) }
  }

  /// Makes the outputs views of an input, when the operator allows it.
  private mutating func planViews(
    _ index: Int, _ step: SpecializedGraph.Step, _ types: [TensorType]
  ) -> Bool {
    var input = 0
    var offsets: [Int] = []
    if case .view(let source) = step.rules.outputMemory {
      (input, offsets) = (source, [0])
    } else if let block = step.rules as? any BlockOperator,
      case .outputsInInput(let elements)? = block.blocks(inputs: step.inputs, outputs: types)
    {
      offsets = elements
    } else {
      return false
    }
    guard step.node.inputs.indices.contains(input), offsets.count >= types.count,
      let source = root(of: step.node.inputs[input])
    else { return false }
    for (slot, (type, offset)) in zip(step.node.outputs.indices, zip(types, offsets)) {
      let name = step.value(slot, of: index)
      place(
        name, in: source.buffer,
        offset: source.offset + type.elementType.byteCount(of: offset))
      extendLife(of: source.buffer, by: name, at: index)
    }
    elided.insert(index)
    return true
  }

  /// The place of an input that the first output may overwrite.
  private func overwritable(
    _ index: Int, _ step: SpecializedGraph.Step, _ type: TensorType
  ) -> (buffer: Int, offset: Int)? {
    guard case .inPlace(let candidates) = step.rules.outputMemory else { return nil }
    for slot in candidates where step.node.inputs.indices.contains(slot) {
      guard let place = root(of: step.node.inputs[slot]), step.inputs[slot]?.type == type,
        buffers[place.buffer].last <= index, !buffers[place.buffer].isPinned
      else { continue }
      // Other inputs in the same memory must be read element by element as well.
      let isSafe = step.node.inputs.indices.allSatisfy { other in
        guard other != slot, let shared = root(of: step.node.inputs[other]),
          shared.buffer == place.buffer
        else { return true }
        return candidates.contains(other) && shared.offset == place.offset
          && step.inputs[other]?.type == type
      }
      if isSafe { return place }
    }
    return nil
  }

  /// Lets the inputs of a concatenation be written straight into its output.
  private mutating func planJoin(_ index: Int, _ step: SpecializedGraph.Step) {
    guard let types = step.outputs, let block = step.rules as? any BlockOperator,
      case .inputsInOutput(let elements)? = block.blocks(inputs: step.inputs, outputs: types),
      let output = places[step.value(0, of: index)]
    else { return }
    elided.insert(index)
    for ((name, operand), element) in zip(zip(step.node.inputs, step.inputs), elements) {
      guard let type = operand?.type else { continue }
      let offset = type.elementType.byteCount(of: element)
      if let place = places[name], place.offset == 0, buffers[place.buffer].parent == nil,
        !buffers[place.buffer].isPinned, buffers[place.buffer].byteCount == type.byteCount,
        place.buffer != output.buffer, offset % 4 == 0
      {
        buffers[place.buffer].parent = (output.buffer, offset)
        buffers[output.buffer].first = min(
          buffers[output.buffer].first, buffers[place.buffer].first)
        buffers[output.buffer].last = max(
          buffers[output.buffer].last, buffers[place.buffer].last)
      } else {
        copies[index, default: []].append(
          Copy(
            source: name, destination: step.node.outputs[0], byteOffset: offset,
            byteCount: type.byteCount))
      }
    }
  }

  // MARK: Addresses

  private mutating func assignOffsets() {
    let roots = buffers.indices.filter { buffers[$0].parent == nil }
      .sorted { (buffers[$0].byteCount, $1) > (buffers[$1].byteCount, $0) }
    var base = [Int](repeating: 0, count: buffers.count)
    var placed: [Int] = []
    for root in roots {
      let size = Self.aligned(buffers[root].byteCount)
      var offset = 0
      let neighbours = placed.filter {
        buffers[$0].first <= buffers[root].last && buffers[root].first <= buffers[$0].last
      }
      for other in neighbours.sorted(by: { base[$0] < base[$1] }) {
        if offset + size <= base[other] { break }
        offset = max(offset, base[other] + Self.aligned(buffers[other].byteCount))
      }
      base[root] = offset
      byteCount = max(byteCount, offset + size)
      placed.append(root)
    }
    for name in places.keys {
      if let place = root(of: name) { offsets[name] = base[place.buffer] + place.offset }
    }
  }

  private static func aligned(_ byteCount: Int) -> Int {
    (max(byteCount, 1) + alignment - 1) / alignment * alignment
  }
}
