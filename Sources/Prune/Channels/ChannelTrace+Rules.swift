import GraphIR
import Tensors

/// What each ``ChannelFlow`` does to labels.
extension ChannelTrace {
  // MARK: Elements in other places

  /// Lets the operator rearrange labels as it rearranges elements.
  ///
  /// - Parameter omitted: Inputs that hold values, not labels, extents or indices.
  mutating func rearranged(
    _ data: [Int], omitting omitted: Set<Int> = [], _ site: Site
  ) -> [LabelTensor]? {
    let inputs = site.node.inputs
    let parameters = inputs.indices.filter { !data.contains($0) && !inputs[$0].isEmpty }
    guard let rules = site.entry.rules, parameters.allSatisfy({ site.constant($0) != nil }) else {
      return nil
    }
    let moved = data.map { label(site, $0) }
    if moved.allSatisfy({ $0?.isUnlabelled ?? false }) {
      return site.types.map { LabelTensor(shape: $0.shape) }
    }
    var operands = inputs.indices.map { omitted.contains($0) ? nil : site.constant($0) }
    for (input, value) in zip(data, moved) {
      guard let value else { return nil }
      operands[input] = value.elements
    }
    let results = try? rules.evaluate(operands, pool: ThreadPool(threads: 1))
    return results?.map { LabelTensor(elements: $0) }
  }

  /// The labels of an operand; constants have none.
  private func label(_ site: Site, _ input: Int) -> LabelTensor? {
    if let constant = site.constant(input) { return LabelTensor(shape: constant.shape) }
    return values[site.node.inputs[input]]
  }

  /// Where labels do not differ along an axis, elements added along it belong to the same channels.
  mutating func extended(_ site: Site) -> [LabelTensor]? {
    guard let x = label(site, 0), let shape = site.types.first?.shape,
      site.node.inputs.indices.dropFirst().allSatisfy({
        site.node.inputs[$0].isEmpty || site.constant($0) != nil
      })
    else { return nil }
    let changed = shape.indices.filter { shape[$0] != x.shape[$0] }
    if changed.allSatisfy({ x.extents[$0] == 1 }) { return [x.reshapedUniformAxes(to: shape)] }
    // Added channels belong to no producer. Their label is 0, which is what padding adds.
    guard (try? site.node.attributes.float("value", default: 0)) == 0 else { return nil }
    return rearranged([0], omitting: [2], site)
  }

  // MARK: Elements by themselves

  /// Unites the labels that meet.
  ///
  /// An operand that is broadcast over different channels of another one keeps its own channels,
  /// and its labels are not united with theirs.
  mutating func aligned(_ inputs: [Int], _ site: Site) -> LabelTensor? {
    guard let shape = site.types.first?.shape else { return nil }
    var met: [LabelTensor] = []
    let operands = inputs.filter { !site.node.inputs[$0].isEmpty && site.constant($0) == nil }
    let tensors = operands.map { values[site.node.inputs[$0]] }
    for (place, value) in tensors.enumerated() {
      guard let value else { return nil }
      let others = tensors.indices.filter { $0 != place }.compactMap { tensors[$0] }
      if isSpread(value, over: others, in: shape) {
        freeze(value, because: FreezeReason(.broadcast, at: site.node.label))
      } else {
        met.append(value)
      }
    }
    guard let result = united(met, in: shape, at: site.node) else { return nil }
    for input in inputs where !site.node.inputs[input].isEmpty {
      if let constant = site.constant(input) { claim(input, constant.shape, result, site) }
    }
    return result
  }

  /// Whether another operand's labels differ along an axis where this one has extent 1.
  private func isSpread(_ value: LabelTensor, over others: [LabelTensor], in shape: [Int]) -> Bool {
    others.contains { other in
      other.varyingAxes.contains { axis in
        let own = axis + value.shape.count - other.shape.count
        return own < 0 || value.shape[own] == 1
      }
    }
  }

  private mutating func united(_ met: [LabelTensor], in shape: [Int], at node: Node) -> LabelTensor?
  {
    var result: [Int32] = []
    var labels = labels
    let extents = LabelTensor.forEach(met, in: shape) { meeting in
      for label in meeting.dropFirst() {
        labels.unite(meeting[0], label, because: FreezeReason(.unlabelled, at: node.label))
      }
      result.append(meeting.first { $0 != LabelTensor.none } ?? LabelTensor.none)
    }
    self.labels = labels
    return LabelTensor(result, extents: extents, shape: shape)
  }

  /// Notes which labels run along the axes of a constant that broadcasts.
  private mutating func claim(
    _ input: Int, _ shape: [Int], _ result: LabelTensor, _ site: Site
  ) {
    for axis in shape.indices where shape[axis] > 1 {
      let outer = axis + result.shape.count - shape.count
      if result.extents[outer] > 1 {
        claim(input, axis: axis, squaredLine(result, outer, site), site)
      }
    }
  }

  /// The label of each index of an axis, united with all others of its slice.
  mutating func squaredLine(_ value: LabelTensor, _ axis: Int, _ site: Site) -> [Int32] {
    guard value.extents[axis] > 1 else { return value.line(along: axis) }
    for slice in value.slices(along: axis) {
      for label in slice.dropFirst() {
        labels.unite(slice[0], label, because: FreezeReason(.layout, at: site.node.label))
      }
    }
    return value.line(along: axis)
  }

  /// Labels along axis 1; labels along other axes are united.
  mutating func perChannel(_ parameters: [Int], _ site: Site) -> [LabelTensor]? {
    guard let x = label(site, 0), x.shape.count >= 2, let shape = site.types.first?.shape,
      parameters.allSatisfy({ site.constant($0) != nil })
    else { return nil }
    let line = squaredLine(united(x, behind: 1, site), 1, site)
    for parameter in parameters { claim(parameter, axis: 0, line, site) }
    if site.types.count > 1 {
      // Further outputs, such as a scale computed from the largest value, depend on all channels.
      consumers.append(
        Consumer(
          node: site.entry.index, input: 0, axisFromEnd: x.shape.count - 1, weight: nil,
          weightAxis: 0, groups: 1, labels: line))
    }
    return site.types.indices.map { index in
      index == 0
        ? LabelTensor(line, along: 1, shape: shape) : LabelTensor(shape: site.types[index].shape)
    }
  }

  /// Unites labels along all axes but one.
  private mutating func united(_ value: LabelTensor, behind axis: Int, _ site: Site) -> LabelTensor
  {
    let line = squaredLine(value, axis, site)
    if value.extents[axis] == 1, let first = value.labels.first {
      for label in value.labels {
        labels.unite(first, label, because: FreezeReason(.layout, at: site.node.label))
      }
    }
    return LabelTensor(line, along: axis, shape: value.shape)
  }

  /// Freezes channels that are mixed with others along the given axes.
  mutating func mixed(_ axes: [Int], _ site: Site, keepsShape: Bool) -> [LabelTensor]? {
    guard let x = label(site, 0) else { return nil }
    if axes.contains(where: { x.extents[$0] > 1 }) {
      freeze(x, because: FreezeReason(.mixed, at: site.node.label))
    }
    return site.types.indices.map { index in
      let shape = site.types[index].shape
      guard index == 0 else { return LabelTensor(shape: shape) }
      return keepsShape ? x : x.reduced(along: axes, to: shape)
    }
  }
}
