import GraphIR
import Tensors

/// What operators do to the layout of classes, and to the constants that count them.
extension ClassRewriting {
  // MARK: Shapes

  mutating func reshape(_ index: Int) throws -> ClassLayout {
    let node = graph.nodes[index]
    let shape = try oldShape(node.outputs[0], node)
    guard let result = try layout(node.inputs[0], node).reshaped(to: shape, classes: old) else {
      throw obstacle(node, "an axis would hold a part of the classes")
    }
    guard node.qualifiedType == "Reshape" else { return result }
    guard node.inputs.count > 1, let target = typed.operands[node.inputs[1]]?.constant?.integers
    else { throw obstacle(node, "its shape is known only in a run") }
    let source = try oldShape(node.inputs[0], node)
    let isStored = graph.initializers[node.inputs[1]] != nil
    let values = target.enumerated().map { axis, value -> Int64 in
      let extent = ClassLayout.extent(result.axes[axis], new)
      if value > 0, extent != shape[axis] { return Int64(extent) }
      // What was computed from extents is copied from them, so that batches may differ.
      let isCopied = !isStored && source.indices.contains(axis) && value == source[axis]
      return isCopied ? 0 : Int64(value)
    }
    if values != target.map(Int64.init) { set(1, of: index, to: Tensor(values)) }
    return result
  }

  func transpose(_ node: Node) throws -> ClassLayout {
    var layout = try layout(node.inputs[0], node)
    let order = try node.attributes.ints("perm") ?? layout.axes.indices.reversed()
    layout.axes = order.map { layout.axes[$0] }
    return layout
  }

  func concatenation(_ node: Node) throws -> ClassLayout {
    let inputs = try node.inputs.map { try layout($0, node) }
    guard var result = inputs.first(where: \.countsClasses) else { throw obstacle(node) }
    let axis = try self.axis(of: node, rank: result.axes.count)
    for other in inputs.indices where layouts[node.inputs[other]] != nil {
      for place in result.axes.indices where place != axis {
        guard
          inputs[other].axes[place].contains(where: \.countsClasses)
            == result.axes[place].contains(where: \.countsClasses)
        else { throw obstacle(node, "it joins different axes of classes") }
      }
    }
    var joined = ClassLayout.Part(segments: [])
    for input in inputs {
      let parts = input.axes[axis]
      if parts.count == 1 {
        for segment in parts[0].segments { joined.append(segment) }
      } else {
        guard !parts.contains(where: \.countsClasses) else {
          throw obstacle(node, "it joins axes that hold classes among others")
        }
        joined.append(.fixed(ClassLayout.extent(parts, old)))
      }
    }
    result.axes[axis] = [joined]
    return result
  }

  private func axis(of node: Node, rank: Int, default fallback: Int = 0) throws -> Int {
    let axis = try node.attributes.int("axis", default: fallback)
    return axis < 0 ? axis + rank : axis
  }

  // MARK: Cutting

  mutating func split(_ index: Int) throws -> [ClassLayout?] {
    let node = graph.nodes[index]
    let layout = try layout(node.inputs[0], node)
    let axis = try self.axis(of: node, rank: layout.axes.count)
    let sizes = try node.outputs.map { try oldShape($0, node)[axis] }
    let places = sizes.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1) }
    guard layout.axes[axis].contains(where: \.countsClasses) else {
      return sizes.map { size in
        var part = layout
        part.axes[axis] = [.fixed(size)]
        return part
      }
    }
    guard layout.axes[axis].count == 1,
      let parts = layout.axes[axis][0].cut(at: places, classes: old)
    else { throw obstacle(node, "it cuts through the classes") }
    let extents = parts.map { Int64($0.extent(new)) }
    if graph.opset >= 13 {
      set(1, of: index, to: Tensor(extents))
      change(index) { $0.attributes["num_outputs"] = nil }
    } else {
      change(index) { $0.attributes["split"] = .ints(extents.map(Int.init)) }
    }
    return parts.map { part in
      var piece = layout
      piece.axes[axis] = [part]
      return piece
    }
  }

  mutating func slice(_ index: Int) throws -> ClassLayout? {
    let node = graph.nodes[index]
    var layout = try layout(node.inputs[0], node)
    let shape = try oldShape(node.outputs[0], node)
    func bounds(_ name: String, _ slot: Int) throws -> [Int]? {
      if graph.opset < 10 { return try node.attributes.ints(name) }
      guard node.inputs.indices.contains(slot), !node.inputs[slot].isEmpty else { return nil }
      guard let values = typed.operands[node.inputs[slot]]?.constant?.integers else {
        throw obstacle(node, "its bounds are known only in a run")
      }
      return values
    }
    guard var starts = try bounds("starts", 1), var ends = try bounds("ends", 2) else {
      throw obstacle(node)
    }
    let axes = try bounds("axes", 3) ?? Array(starts.indices)
    let steps = try bounds("steps", 4) ?? starts.map { _ in 1 }
    for place in axes.indices {
      let axis = axes[place] < 0 ? axes[place] + layout.axes.count : axes[place]
      guard layout.axes[axis].contains(where: \.countsClasses) else {
        layout.axes[axis] = [.fixed(shape[axis])]
        continue
      }
      let extent = ClassLayout.extent(layout.axes[axis], old)
      func clamped(_ bound: Int) -> Int { min(max(bound < 0 ? bound + extent : bound, 0), extent) }
      let (start, end) = (clamped(starts[place]), clamped(ends[place]))
      guard steps[place] == 1, start < end, layout.axes[axis].count == 1,
        let parts = layout.axes[axis][0].cut(at: [0, start, end, extent], classes: old)
      else { throw obstacle(node, "it cuts through the classes") }
      let first = parts[0].extent(new)
      starts[place] = first
      ends[place] = ends[place] >= extent ? ends[place] : first + parts[1].extent(new)
      layout.axes[axis] = [parts[1]]
    }
    if graph.opset < 10 {
      change(index) { node in
        node.attributes["starts"] = .ints(starts)
        node.attributes["ends"] = .ints(ends)
      }
    } else {
      set(1, of: index, to: Tensor(starts.map(Int64.init)))
      set(2, of: index, to: Tensor(ends.map(Int64.init)))
      // One type for all bounds.
      if node.inputs.count > 3, !node.inputs[3].isEmpty {
        set(3, of: index, to: Tensor(axes.map(Int64.init)))
      }
      if node.inputs.count > 4, !node.inputs[4].isEmpty {
        set(4, of: index, to: Tensor(steps.map(Int64.init)))
      }
    }
    return layout
  }

  mutating func gather(_ index: Int) throws -> ClassLayout? {
    let node = graph.nodes[index]
    guard layouts[node.inputs[1]] == nil, let indices = typed.operands[node.inputs[1]]?.constant
    else { throw obstacle(node, "its indices are known only in a run") }
    var layout = try layout(node.inputs[0], node)
    let axis = try self.axis(of: node, rank: layout.axes.count)
    let parts = layout.axes[axis]
    layout.axes.replaceSubrange(axis...axis, with: indices.shape.map { [.fixed($0)] })
    guard parts.contains(where: \.countsClasses) else { return layout }
    let places = ClassLayout.places(parts, old: old, new: new)
    let extent = ClassLayout.extent(parts, old)
    let moved = try indices.integers.map { value -> Int64 in
      let place = value < 0 ? value + extent : value
      guard let found = places.firstIndex(where: { $0.label == nil && $0.old == place }) else {
        throw obstacle(node, "it takes single classes")
      }
      return Int64(found)
    }
    set(1, of: index, to: Tensor(moved, shape: indices.shape))
    return layout
  }

  func reduction(_ node: Node) throws -> ClassLayout? {
    let layout = try layout(node.inputs[0], node)
    let shape = try oldShape(node.outputs[0], node)
    // Where every counting axis is reduced, the result has one element for it, or none.
    let kept = layout.countingAxes.allSatisfy { axis in
      shape.count == layout.axes.count && shape[axis] == 1
    }
    let reducesAll = shape.count < layout.axes.count
    guard kept || reducesAll && layout.countingAxes == [layout.axes.count - 1] else {
      throw obstacle(node, "it keeps classes apart")
    }
    return nil
  }

  // MARK: Elements

  mutating func elementwise(_ index: Int) throws -> ClassLayout {
    let node = graph.nodes[index]
    let shape = try oldShape(node.outputs[0], node)
    var result = ClassLayout(fixed: shape)
    for name in node.inputs {
      guard let layout = layouts[name] else { continue }
      let offset = shape.count - layout.axes.count
      for (axis, parts) in layout.axes.enumerated()
      where ClassLayout.extent(parts, old) == shape[offset + axis] && shape[offset + axis] != 1
        || parts.contains(where: \.countsClasses)
      {
        let known = result.axes[offset + axis]
        guard known == [.fixed(shape[offset + axis])] || known == parts else { continue }
        result.axes[offset + axis] = parts
      }
    }
    for (slot, name) in node.inputs.enumerated() where layouts[name] == nil && !name.isEmpty {
      try widen(slot, of: index, result)
    }
    return result
  }

  /// Gives an operand that has an element for each class as many as there are new ones.
  ///
  /// What belongs to a last layer begins without effect; elsewhere the classes must be alike.
  private mutating func widen(_ slot: Int, of index: Int, _ result: ClassLayout) throws {
    let node = graph.nodes[index]
    let shape = try oldShape(node.inputs[slot], node)
    let offset = result.axes.count - shape.count
    for axis in result.countingAxes where axis >= offset && shape[axis - offset] > 1 {
      guard let tensor = typed.operands[node.inputs[slot]]?.constant,
        tensor.elementType == .float32
      else { throw obstacle(node, "an operand that is no constant counts classes") }
      let places = ClassLayout.places(result.axes[axis], old: old, new: new)
      let neutral: Float? =
        node.inputs.contains(where: isLogit) ? (node.qualifiedType == "Mul" ? 1 : 0) : nil
      guard
        let widened = tensor.taking(
          places, of: axis - offset, old: old, known: known, neutral: neutral)
      else { throw obstacle(node, "an operand tells classes apart") }
      set(slot, of: index, to: widened)
    }
  }

  /// A normalisation of logits: new classes begin without scaling.
  mutating func normalization(_ index: Int) throws -> ClassLayout {
    let node = graph.nodes[index]
    guard isLogit(node.inputs[0]) else { throw obstacle(node) }
    let layout = try layout(node.inputs[0], node)
    let places = ClassLayout.places(layout.axes[1], old: old, new: new)
    for (slot, neutral) in [(1, 1), (2, 0), (3, 0), (4, 1)] as [(Int, Float)] {
      guard let tensor = graph.initializers[node.inputs[slot]]?.tensor,
        let widened = tensor.taking(places, of: 0, old: old, known: known, neutral: neutral)
      else { throw obstacle(node) }
      set(slot, of: index, to: widened)
    }
    return layout
  }
}

extension Tensor {
  /// The tensor with an axis of other classes.
  ///
  /// - Parameters:
  ///   - old: The number of old classes.
  ///   - known: The old class that each new one is.
  ///   - neutral: The number that classes get which were not there; `nil` for the old one, which
  ///     all old classes must share.
  /// - Returns: `nil` where they do not.
  func taking(
    _ places: [ClassLayout.Place], of axis: Int, old: Int, known: [Int?], neutral: Float?
  ) -> Tensor? {
    let values = floats
    let inner = shape[(axis + 1)...].product
    let outer = shape[..<axis].product
    var result: [Float] = []
    result.reserveCapacity(outer * places.count * inner)
    for block in 0..<outer {
      for place in places {
        let first = (block * shape[axis] + place.old) * inner
        for element in first..<first + inner {
          guard let label = place.label else {
            result.append(values[element])
            continue
          }
          if neutral != nil, let old = known[label] {
            result.append(values[element + old * inner])
            continue
          }
          let isShared = (0..<old).allSatisfy { values[element + $0 * inner] == values[element] }
          guard let value = neutral ?? (isShared ? values[element] : nil) else { return nil }
          result.append(value)
        }
      }
    }
    var extents = shape
    extents[axis] = places.count
    return Tensor(result, shape: extents)
  }
}
